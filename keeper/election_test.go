package keeper

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/jackc/pglogrepl"
)

func TestReceivedTimeline(t *testing.T) {
	pgdata := t.TempDir()
	wal := filepath.Join(pgdata, "pg_wal")
	if err := os.Mkdir(wal, 0o700); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"000000010000000000000003", "000000010000000000000004", "000000020000000000000004", "000000090000000000000005",
		"00000002.history", "000000070000000000000004.partial", "archive_status"} {
		if err := os.WriteFile(filepath.Join(wal, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, test := range []struct {
		lsn  pglogrepl.LSN
		want int
	}{
		{0x3000100, 1}, {0x4000000, 1}, // the last byte before 4000000 is in segment 3
		{0x4000001, 2}, {0x5000000, 2}, {0x5000001, 9}, {0x8000000, 0}, {0, 0},
	} {
		if got := receivedTimeline(pgdata, test.lsn, 16<<20); got != test.want {
			t.Errorf("%s: timeline %d, want %d", test.lsn, got, test.want)
		}
	}
}
