package main

import (
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestScript runs the scripts of testdata/script: each is a session of a user
// with the real program, in a folder of its own that also holds HOME and the XDG
// folders. Scripts that need a live Postgres are in testdata/live.
func TestScript(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:   "testdata/script",
		Setup: func(env *testscript.Env) error { return sandbox(env, 1) },
		Cmds:  map[string]func(*testscript.TestScript, bool, []string){"code": exitsWith},
	})
}

// TestAsRoot runs the scripts about what root may do; see TestMain.
func TestAsRoot(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("not root")
	}
	postgres, err := user.Lookup("postgres")
	if err != nil {
		t.Skip(err)
	}
	t.Run("reads_change_nothing", testReadsChangeNothing)
	testscript.Run(t, testscript.Params{
		Dir: "testdata/root",
		Setup: func(env *testscript.Env) error {
			env.Setenv("POSTGRES_HOME", postgres.HomeDir)
			return sandbox(env, 1)
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"code": exitsWith},
	})
}

// TestLive runs the sessions with monitors and nodes that really run.
func TestLive(t *testing.T) {
	if testing.Short() {
		t.Skip("runs clusters")
	}
	if os.Geteuid() == 0 {
		t.Skip("Postgres does not run as root")
	}
	testscript.Run(t, testscript.Params{
		Dir:   "testdata/live",
		Setup: func(env *testscript.Env) error { return sandbox(env, 5) },
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"code":            exitsWith,
			"until":           until,
			"psql_app":        psqlApp,
			"notify_socket":   notifySocket,
			"notified":        wasNotified,
			"forget_notified": forgetNotified,
			"env_from_stdout": envFromStdout,
		},
	})
}

// sandbox gives a script its own HOME and XDG folders and some ports, $PORT0 and
// on. Scripts see nothing else of the environment but PATH.
func sandbox(env *testscript.Env, nports int) error {
	for name, dir := range map[string]string{
		"HOME":            "home",
		"XDG_CONFIG_HOME": "config",
		"XDG_DATA_HOME":   "data",
		"XDG_RUNTIME_DIR": "run",
	} {
		path := filepath.Join(env.WorkDir, dir)
		if err := os.MkdirAll(path, 0o700); err != nil {
			return err
		}
		env.Setenv(name, path)
	}
	env.Setenv("PGCONNECT_TIMEOUT", "2")
	if path, err := exec.LookPath("pg_ctl"); err == nil {
		env.Setenv("PG_CTL", path)
	}
	taken, err := ports.take(nports)
	if err != nil {
		return err
	}
	env.Defer(func() { ports.giveBack(taken) })
	for i, port := range taken {
		env.Setenv(fmt.Sprintf("PORT%d", i), fmt.Sprint(port))
	}
	env.Defer(func() { stopLeftOvers(env.WorkDir) })
	return nil
}

// stopLeftOvers ends the postmasters that a failed script left in its folder.
func stopLeftOvers(dir string) {
	files, _ := filepath.Glob(filepath.Join(dir, "*", "postmaster.pid"))
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			continue
		}
		var pid int
		if _, err := fmt.Sscan(string(content), &pid); err == nil && pid > 1 {
			_ = syscall.Kill(pid, syscall.SIGQUIT)
		}
	}
}

// exitsWith is the script command "code N program args…": it runs the program
// and fails unless it ends with exit code N; stdout and stderr can be looked at
// as after exec.
func exitsWith(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: code N program [args...]")
	}
	err := ts.Exec(args[1], args[2:]...)
	code := 0
	if exit, ok := err.(*exec.ExitError); ok {
		code = exit.ExitCode()
	} else if err != nil {
		ts.Fatalf("%s: %v", args[1], err)
	}
	if fmt.Sprint(code) != args[0] {
		ts.Fatalf("%s ends with exit code %d, expected %s", strings.Join(args[1:], " "), code, args[0])
	}
}
