package harness

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

// Usage is what processes have consumed so far.
type Usage struct {
	CPU           time.Duration // user and system, ended and reaped children included
	ResidentBytes int64         // at this moment
}

// KeeperUsage is that of the node's pgaf process alone.
func (n *Node) KeeperUsage() (Usage, error) {
	return usageOf(n.process.PID, false)
}

// TotalUsage is that of all processes of the node. Shared memory counts once per process that
// touched it, so ResidentBytes is not meaningful for Postgres and left out.
func (n *Node) TotalUsage() (Usage, error) {
	var total Usage
	for _, pid := range processesBelow(n.Dir) {
		u, err := usageOf(pid, true)
		if err != nil {
			if os.IsNotExist(err) {
				continue // ended meanwhile: its parent has its time
			}
			return Usage{}, err
		}
		total.CPU += u.CPU
	}
	return total, nil
}

// clockTick is the unit of CPU times in /proc, the same on all Linux platforms that Go supports.
const clockTick = 10 * time.Millisecond

// usageOf reads /proc/<pid>/stat: fields 14 to 17 are CPU times (utime, stime, cutime, cstime), field 24 the
// resident pages.
func usageOf(pid int, children bool) (Usage, error) {
	content, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return Usage{}, err
	}
	// The second field, the program's name in parentheses, may contain anything.
	fields := strings.Fields(string(content[bytes.LastIndexByte(content, ')')+1:]))
	number := func(field int) int64 {
		n, _ := strconv.ParseInt(fields[field-3], 10, 64)
		return n
	}
	ticks := number(14) + number(15)
	if children {
		ticks += number(16) + number(17)
	}
	return Usage{
		CPU:           time.Duration(ticks) * clockTick,
		ResidentBytes: number(24) * int64(os.Getpagesize()),
	}, nil
}
