package harness

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// Machine is a host with a home folder: somewhere to type commands. All its processes work
// in the folder or below it.
type Machine struct {
	Host *Host
	Dir  string

	Environment []string // more variables for its commands

	account Account
	path    string // PATH of its commands
	config  string // the pg_config that they shall find
}

// NewMachine prepares a machine whose folder is below the run's.
func (r *Run) NewMachine(host *Host, name string) (*Machine, error) {
	return r.newMachine(host, filepath.Join(r.Dir, name), r.Pgaf, r.Postgres)
}

func (r *Run) newMachine(host *Host, dir, pgaf string, postgres Postgres) (*Machine, error) {
	m := &Machine{Host: host, Dir: dir, account: r.Account, path: filepath.Dir(pgaf) + ":" + postgres.BinDir + ":" + os.Getenv("PATH"), config: filepath.Join(postgres.BinDir, "pg_config")}
	if err := r.Account.Mkdir(dir); err != nil {
		return nil, err
	}
	return m, r.Account.Mkdir(filepath.Join(dir, "runtime"))
}

// command prepares a program to run as the account, with a home of its own.
func (m *Machine) command(name string, args ...string) *exec.Cmd {
	cmd := exec.Command(name, args...)
	if !strings.Contains(name, "/") {
		// LookPath searched this process's PATH; the machine's own comes first.
		for _, dir := range filepath.SplitList(m.path) {
			if info, err := os.Stat(filepath.Join(dir, name)); err == nil && info.Mode()&0o111 != 0 {
				cmd.Path, cmd.Err = filepath.Join(dir, name), nil
				break
			}
		}
	}
	cmd.Dir = m.Dir
	cmd.Env = []string{
		"HOME=" + m.Dir,
		"XDG_RUNTIME_DIR=" + filepath.Join(m.Dir, "runtime"),
		"PATH=" + m.path,
		"PG_CONFIG=" + m.config,
		"USER=" + m.account.Name,
		"LANG=C.UTF-8",
	}
	cmd.Env = append(cmd.Env, m.Environment...)
	// A session of its own: a terminal's interrupt is for the harness only.
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: m.account.credential(), Setsid: true}
	return cmd
}

// Spawn starts a program that stays in the foreground, and appends its output to a file.
func (m *Machine) Spawn(log, name string, args ...string) (*Process, error) {
	return spawn(m.command(name, args...), m.Host, log)
}

// KillAll sends SIGKILL to every process of the machine and waits for their end.
func (m *Machine) KillAll() error { return KillBelow(m.Dir) }

// Freeze stops every process of the machine with SIGSTOP: they keep their connections and answer
// nothing, as a virtual machine that is paused.
func (m *Machine) Freeze() error { return stopBelow(m.Dir) }

// Thaw lets a frozen machine go on.
func (m *Machine) Thaw() error { return continueBelow(m.Dir) }

// remove kills the machine's processes and removes its folder.
func (m *Machine) remove() {
	_ = m.KillAll()
	_ = os.RemoveAll(m.Dir)
}

// CommandError is a command that ended with another code than 0.
type CommandError struct {
	Args           []string
	Code           int
	Stdout, Stderr string
}

func (e *CommandError) Error() string {
	return fmt.Sprintf("%s: exit code %d\n%s%s", strings.Join(e.Args, " "), e.Code, e.Stdout, e.Stderr)
}

// Run runs a program to its end and returns its stdout; when the context ends
// first, the program and its children are killed.
func (m *Machine) Run(ctx context.Context, name string, args ...string) (string, error) {
	cmd := m.command(name, args...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	cmd.WaitDelay = time.Second // children that outlive it may hold its output open
	if err := m.Host.start(cmd); err != nil {
		return "", fmt.Errorf("start %s: %w", strings.Join(cmd.Args, " "), err)
	}
	stop := context.AfterFunc(ctx, func() { _ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) })
	defer stop()
	err := cmd.Wait()
	if err == nil || (errors.Is(err, exec.ErrWaitDelay) && cmd.ProcessState.Success()) {
		return stdout.String(), nil
	}
	failure := &CommandError{Args: cmd.Args, Code: cmd.ProcessState.ExitCode(), Stdout: stdout.String(), Stderr: stderr.String()}
	if ctx.Err() != nil {
		return stdout.String(), fmt.Errorf("killed at its deadline: %w", failure)
	}
	return stdout.String(), failure
}

// SpawnAsRoot is Spawn as the user of the harness, where that is root and the machine's is not.
func (m *Machine) SpawnAsRoot(log, name string, args ...string) (*Process, error) {
	cmd := m.command(name, args...)
	cmd.SysProcAttr.Credential = nil
	return spawn(cmd, m.Host, log)
}
