package harness

import (
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"strconv"
	"syscall"
)

// Account is the operating system user that pgaf and Postgres run as.
type Account struct {
	Name     string
	UID, GID int
	groups   []uint32
	switches bool // this process is root and becomes the account in its children
}

// serverAccount is user postgres for root, which Postgres refuses to run as, and
// the user himself otherwise.
func serverAccount() (Account, error) {
	if os.Geteuid() != 0 {
		u, err := user.Current()
		if err != nil {
			return Account{}, fmt.Errorf("look up the current user: %w", err)
		}
		return Account{Name: u.Username, UID: os.Getuid(), GID: os.Getgid()}, nil
	}
	u, err := user.Lookup("postgres")
	if err != nil {
		return Account{}, fmt.Errorf("root cannot run Postgres and there is no user postgres: %w; install PostgreSQL (make deps)", err)
	}
	a := Account{Name: u.Username, switches: true}
	if a.UID, err = strconv.Atoi(u.Uid); err != nil {
		return Account{}, err
	}
	if a.GID, err = strconv.Atoi(u.Gid); err != nil {
		return Account{}, err
	}
	ids, err := u.GroupIds()
	if err != nil {
		return Account{}, fmt.Errorf("groups of user %s: %w", u.Username, err)
	}
	for _, id := range ids {
		if n, err := strconv.ParseUint(id, 10, 32); err == nil {
			a.groups = append(a.groups, uint32(n))
		}
	}
	return a, nil
}

// credential is nil when children simply stay the current user.
func (a Account) credential() *syscall.Credential {
	if !a.switches {
		return nil
	}
	return &syscall.Credential{Uid: uint32(a.UID), Gid: uint32(a.GID), Groups: a.groups}
}

// Reaches tells whether the account may enter a folder, whose parents may be closed to it.
func (a Account) Reaches(dir string) bool {
	probe := exec.Command("test", "-x", dir)
	probe.SysProcAttr = &syscall.SysProcAttr{Credential: a.credential()}
	return probe.Run() == nil
}

// Mkdir creates one folder that belongs to the account.
func (a Account) Mkdir(path string) error {
	if err := os.Mkdir(path, 0o700); err != nil {
		return err
	}
	if a.switches {
		return os.Chown(path, a.UID, a.GID)
	}
	return nil
}
