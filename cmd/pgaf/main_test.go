package main

import (
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestMain lets the scripts run the real program, by both of its names. Postgres
// does not run as root: started by root, the tests run as user postgres first,
// and then those that are about root.
func TestMain(m *testing.M) {
	if os.Geteuid() == 0 && strings.HasSuffix(os.Args[0], ".test") {
		if code := asPostgres(); code != 0 {
			os.Exit(code)
		}
		flag.Parse()
		setFlag("test.run", "^TestAsRoot$")
	} else if strings.HasSuffix(os.Args[0], ".test") {
		setFlag("test.parallel", fmt.Sprint(2*runtime.GOMAXPROCS(0))) // scripts mostly wait; -parallel has precedence
	}
	testscript.Main(m, map[string]func(){"pgaf": main, "pg_autoctl": main, "example": runExample, "tty": runOnTTY})
}

func setFlag(name, value string) {
	if err := flag.Set(name, value); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// asPostgres runs a copy of this test program as user postgres, in the same
// folder and with the same arguments, except for files in folders of root.
func asPostgres() int {
	dir, err := os.MkdirTemp("", "pgaf-cmd-test")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	program := filepath.Join(dir, "pgaf.test")
	if err := copyProgram(os.Args[0], program); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	args := []string{"-u", "postgres", "--", program}
	for _, arg := range os.Args[1:] {
		if !strings.HasPrefix(arg, "-test.testlogfile=") && !strings.HasPrefix(arg, "-test.outputdir=") {
			args = append(args, arg)
		}
	}
	cmd := exec.Command("runuser", args...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.Env = append(os.Environ(), "TMPDIR=", "HOME="+dir)
	if err := cmd.Run(); err != nil {
		if cmd.ProcessState != nil {
			return cmd.ProcessState.ExitCode()
		}
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// copyProgram copies a program where every user can run it.
func copyProgram(from, to string) error {
	if err := os.Chmod(filepath.Dir(to), 0o755); err != nil {
		return err
	}
	source, err := os.Open(from)
	if err != nil {
		return err
	}
	defer source.Close()
	target, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE, 0o755)
	if err != nil {
		return err
	}
	if _, err := io.Copy(target, source); err != nil {
		target.Close()
		return err
	}
	return target.Close()
}
