package monitor

import (
	"fmt"
	"os"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestLoad(t *testing.T) {
	count := 2000
	ms := startServer(t, serverOptions{})
	ns := startServer(t, serverOptions{settings: []string{"listen_addresses=*", "max_connections=2100", "shared_buffers=16MB"}})
	ns.exec(t, "postgres", `CREATE ROLE pgautofailover_monitor LOGIN PASSWORD 'pgautofailover_monitor'`)
	ns.stop(syscall.SIGINT)
	f, _ := os.OpenFile(ns.dir+"/pg_hba.conf", os.O_APPEND|os.O_WRONLY, 0)
	f.WriteString("host all all 127.0.0.0/8 trust\n")
	f.Close()
	if err := ns.start(); err != nil {
		t.Fatal(err)
	}
	uri, database := ms.newMonitor(t)
	_ = database
	admin := ms.connect(t, database)
	begun := time.Now()
	if _, err := admin.Exec(t.Context(), fmt.Sprintf(`
INSERT INTO pgautofailover.formation (formationid) SELECT 'g'||i FROM generate_series(1,%d) i;
INSERT INTO pgautofailover.node (formationid, groupid, nodename, nodehost, nodeport, sysidentifier, goalstate, reportedstate, reporttime)
SELECT 'g'||i, 0, 'n'||i, '127.1.'||(i/250)||'.'||(1+i%%250), %d, 42, 'single', 'single', now() + interval '1h' FROM generate_series(1,%d) i;
INSERT INTO pgautofailover.node_group (formationid, groupid, primaryid) SELECT formationid, groupid, nodeid FROM pgautofailover.node;
ANALYZE;`, count, ns.port, count)); err != nil {
		t.Fatal(err)
	}
	t.Log("registered", time.Since(begun))
	usage := func() (self time.Duration) {
		var r syscall.Rusage
		syscall.Getrusage(syscall.RUSAGE_SELF, &r)
		return time.Duration(r.Utime.Nano() + r.Stime.Nano())
	}
	backend := func() string {
		var pid int
		admin.QueryRow(t.Context(), `SELECT pid FROM pg_locks WHERE locktype='advisory' AND classid=1886873446`).Scan(&pid)
		b, _ := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		return strings.Join(strings.Fields(string(b))[13:15], "+")
	}
	for _, q := range []string{"SET pgautofailover.health_check_period = '20s'", "ALTER SYSTEM SET pgautofailover.health_check_period = '20s'", "ALTER SYSTEM SET pgautofailover.health_check_timeout = '5s'", "SELECT pg_reload_conf()"} {
		_, err := admin.Exec(t.Context(), q)
		t.Log(q, err)
	}
	log, _ := serve(t, uri)
	log.wait(t, "is active")
	begun = time.Now()
	for {
		var good int
		admin.QueryRow(t.Context(), `SELECT count(*) FROM pgautofailover.node WHERE health=1 AND healthsign='ok'`).Scan(&good)
		if good == count {
			break
		}
		if time.Since(begun) > time.Minute {
			t.Fatal(good)
		}
		time.Sleep(100 * time.Millisecond)
	}
	t.Log("all good after", time.Since(begun))
	for _, q := range []string{"ALTER SYSTEM SET pgautofailover.health_check_period = '1s'", "ALTER SYSTEM SET pgautofailover.health_check_timeout = '1s'", "SELECT pg_reload_conf()"} {
		_, err := admin.Exec(t.Context(), q)
		t.Log(q, err)
	}
	time.Sleep(30*time.Second)
	u, b := usage(), backend()
	time.Sleep(20 * time.Second)
	t.Log("service CPU in 20 s:", usage()-u, "backend ticks:", b, "->", backend())
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	rss, _ := os.ReadFile("/proc/self/statm")
	t.Log("goroutines", runtime.NumGoroutine(), "sys MB", m.Sys>>20, "statm", string(rss))
	begun = time.Now()
	ns.stop(syscall.SIGKILL)
	for {
		var refused, bad int
		admin.QueryRow(t.Context(), `SELECT count(*) FILTER (WHERE healthsign<>'ok'), count(*) FILTER (WHERE health=0) FROM pgautofailover.node`).Scan(&refused, &bad)
		t.Log(time.Since(begun), refused, bad)
		if bad == count || time.Since(begun) > 40*time.Second {
			break
		}
		time.Sleep(500 * time.Millisecond)
	}
	u, b = usage(), backend()
	time.Sleep(10 * time.Second)
	t.Log("all down: service CPU in 10 s:", usage()-u, "backend ticks:", b, "->", backend())
	for _, l := range strings.Split(log.all(), "\n") {
		if strings.HasPrefix(l, "WARN") {
			t.Log(l)
		}
	}
}
