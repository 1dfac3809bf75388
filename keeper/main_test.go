package keeper

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"pgaf/monitor"
)

// The test binary is also the program under test: with programEnv set it runs one
// command of this package as a process of its own, which tests can kill.
const programEnv = "PGAF_KEEPER_TEST_PROGRAM"

// program is one run of a command.
type program struct {
	Command string // create, run, create-monitor, drop, drop-monitor, init-state, stop, step, replace
	Create  CreateOptions
	Run     RunOptions
	Monitor CreateMonitorOptions
	Drop    DropNodeOptions
	DropMon DropMonitorOptions
	Kind    StepKind
	SSL     SetSSLOptions
	Set     []string // PGDATA, key, value
}

func TestMain(m *testing.M) {
	if command := os.Getenv(programEnv); command != "" {
		os.Exit(runProgram(command))
	}
	if os.Geteuid() == 0 {
		os.Exit(runAsPostgres())
	}
	os.Exit(m.Run())
}

func runProgram(command string) int {
	var p program
	if err := json.Unmarshal([]byte(command), &p); err != nil {
		panic(err)
	}
	log := slog.New(slog.NewTextHandler(os.Stderr, nil))
	p.Create.Logger, p.Run.Logger, p.Monitor.Logger, p.Drop.Logger, p.DropMon.Logger = log, log, log, log, log
	ctx := context.Background()
	var err error
	switch p.Command {
	case "create":
		err = Create(ctx, p.Create)
	case "run":
		err = Run(ctx, p.Run)
	case "create-monitor":
		err = CreateMonitor(ctx, p.Monitor)
	case "config-set":
		_, err = SetConfig(ctx, p.Set[0], p.Set[1], p.Set[2])
	case "ssl":
		p.SSL.Logger = log
		err = SetSSL(ctx, p.SSL)
	case "drop":
		err = DropNode(ctx, p.Drop)
	case "drop-monitor":
		err = DropMonitor(ctx, p.DropMon)
	case "init-state":
		err = InitState(ctx, InitStateOptions{PGDATA: p.Run.PGDATA, Logger: log})
	case "step":
		var from, to monitor.State
		if from, to, err = Step(ctx, StepOptions{PGDATA: p.Run.PGDATA, Kind: p.Kind, Logger: log}); err == nil {
			fmt.Printf("step: %s ➜ %s\n", from, to)
		}
	case "replace":
		_, err = Replace(ctx, p.Run.PGDATA)
	case "stop":
		err = Stop(p.Run.PGDATA, syscall.SIGTERM)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
	}
	return ExitCode(err)
}

// runAsPostgres runs the tests again as user postgres: Postgres refuses root. The
// binary is copied to where that user may read it.
func runAsPostgres() int {
	account, err := user.Lookup("postgres")
	if err != nil {
		fmt.Fprintln(os.Stderr, "these tests run as root need a user postgres:", err)
		return 1
	}
	uid, _ := strconv.Atoi(account.Uid)
	gid, _ := strconv.Atoi(account.Gid)
	dir, err := os.MkdirTemp("/tmp", "pgaf-keeper-test-")
	if err != nil {
		panic(err)
	}
	if err := errorsOf(os.Chmod(dir, 0o755), copyFile(os.Args[0], filepath.Join(dir, "keeper.test")), os.Mkdir(filepath.Join(dir, "tmp"), 0o700), os.Chown(filepath.Join(dir, "tmp"), uid, gid)); err != nil {
		panic(err)
	}
	args := slices.DeleteFunc(os.Args[1:], func(arg string) bool { return strings.HasPrefix(arg, "-test.testlogfile") })
	cmd := exec.Command(filepath.Join(dir, "keeper.test"), args...)
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	cmd.Env = append(os.Environ(), "HOME="+filepath.Join(dir, "tmp"), "TMPDIR="+filepath.Join(dir, "tmp"))
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, Pdeathsig: syscall.SIGTERM}
	if err := cmd.Run(); err != nil {
		fmt.Fprintln(os.Stderr, err, "(files are kept in "+dir+")")
		return 1
	}
	os.RemoveAll(dir)
	return 0
}

func errorsOf(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

func copyFile(from, to string) error {
	source, err := os.Open(from)
	if err != nil {
		return err
	}
	defer source.Close()
	target, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE, 0o755)
	if err != nil {
		return err
	}
	defer target.Close()
	_, err = io.Copy(target, source)
	return err
}
