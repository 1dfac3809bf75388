//go:build killpoints

package killpoint

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
)

// folderVariable names the folder that says what to kill.
const folderVariable = "PGAF_KILLPOINTS"

type labelKey struct{}

var pgdata atomic.Value // string

// Label gives the points that are reached with ctx the name of a transition.
func Label(ctx context.Context, label string) context.Context {
	return context.WithValue(ctx, labelKey{}, label)
}

// Postgres says where the Postgres is that a point may kill.
func Postgres(dir string) { pgdata.Store(dir) }

// At is a point. Where it kills the keeper it does not return.
func At(ctx context.Context, name string) {
	folder, label := os.Getenv(folderVariable), ctx.Value(labelKey{})
	if folder == "" || label == nil {
		return
	}
	victim, err := os.ReadFile(filepath.Join(folder, "kill"))
	if err != nil {
		return
	}
	point := fmt.Sprintf("%s.%s", label, name)
	hit, err := os.OpenFile(filepath.Join(folder, "hit", point), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644)
	if err != nil {
		return // it has killed already
	}
	defer hit.Close()
	pid := os.Getpid()
	if strings.TrimSpace(string(victim)) == "postgres" {
		if pid = postmaster(); pid == 0 {
			fmt.Fprintf(hit, "there was no Postgres to kill in %s\n", pgdata.Load())
			return
		}
	}
	fmt.Fprintf(hit, "%s killed in %s\n", strings.TrimSpace(string(victim)), pgdata.Load())
	_ = syscall.Kill(pid, syscall.SIGKILL)
	if pid == os.Getpid() {
		select {} // until the signal takes effect
	}
}

// postmaster is the pid of the running Postgres, or 0.
func postmaster() int {
	dir, _ := pgdata.Load().(string)
	content, err := os.ReadFile(filepath.Join(dir, "postmaster.pid"))
	if err != nil {
		return 0
	}
	first, _, _ := strings.Cut(string(content), "\n")
	pid, err := strconv.Atoi(strings.TrimSpace(first))
	if err != nil || pid <= 1 {
		return 0
	}
	// The file of a dead postmaster stays behind, and its pid may be anyone's.
	if cwd, err := os.Readlink(fmt.Sprintf("/proc/%d/cwd", pid)); err != nil || cwd != dir {
		return 0
	}
	return pid
}
