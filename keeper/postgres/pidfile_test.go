package postgres

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestParsePostmaster(t *testing.T) {
	full := "4711\n/data/pg\n1795237549\n5433\n/run/postgresql\n*\n  4195405    131072\nready   \n"
	want := Postmaster{
		PID: 4711, DataDir: "/data/pg", StartTime: time.Unix(1795237549, 0), Port: 5433,
		SocketDir: "/run/postgresql", ListenAddr: "*", Status: Ready,
	}
	got, err := ParsePostmaster(full)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatal(diff)
	}
	for line, status := range map[string]Status{
		"starting": Starting, "stopping": Stopping, "ready   ": Ready, "standby ": Standby, "": Starting,
	} {
		if p, err := ParsePostmaster(strings.Replace(full, "ready   ", line, 1)); err != nil || p.Status != status {
			t.Errorf("%q: %s, %v", line, p.Status, err)
		}
	}
	for i := range full { // it is written in pieces
		p, err := ParsePostmaster(full[:i])
		if i == 0 && err == nil || i > 0 && (err != nil || p.PID == 0) {
			t.Errorf("%q: %+v, %v", full[:i], p, err)
		}
	}
	if p, err := ParsePostmaster("-4711\n/data/pg\n"); err != nil || !p.Single || p.PID != 4711 {
		t.Errorf("standalone backend: %+v, %v", p, err)
	}
	for _, bad := range []string{"", "x\n", "0\n"} {
		if _, err := ParsePostmaster(bad); err == nil {
			t.Errorf("%q was accepted", bad)
		}
	}
}
