package postgres

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/jackc/pglogrepl"
)

// Position is a place in the write-ahead log's history.
type Position struct {
	Timeline int
	LSN      LSN
}

func (p Position) String() string { return fmt.Sprintf("%d/%s", p.Timeline, p.LSN) }

// Ancestor is one line of a timeline history: timeline TLI ended at SwitchLSN.
type Ancestor struct {
	TLI       int
	SwitchLSN LSN
	Reason    string
}

// History of a timeline: its ancestors, oldest first. Timeline 1 has none.
type History []Ancestor

// SwitchPoint is where tli ended in this history; false when tli is no ancestor.
func (h History) SwitchPoint(tli int) (LSN, bool) {
	for _, a := range h {
		if a.TLI == tli {
			return a.SwitchLSN, true
		}
	}
	return 0, false
}

// ParseHistory parses a timeline history file: timeline, switch point, reason.
func ParseHistory(content []byte) (History, error) {
	var h History
	for line := range strings.Lines(string(content)) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		fields := strings.Fields(line)
		if len(fields) < 2 {
			return nil, fmt.Errorf("timeline history: no switch point in %q", line)
		}
		tli, err := strconv.Atoi(fields[0])
		if err != nil || tli < 1 {
			return nil, fmt.Errorf("timeline history: no timeline in %q", line)
		}
		if len(h) > 0 && tli <= h[len(h)-1].TLI {
			return nil, fmt.Errorf("timeline history: timeline %d follows %d", tli, h[len(h)-1].TLI)
		}
		lsn, err := pglogrepl.ParseLSN(fields[1])
		if err != nil {
			return nil, fmt.Errorf("timeline history: %q: %w", line, err)
		}
		h = append(h, Ancestor{tli, lsn, strings.Join(fields[2:], " ")})
	}
	return h, nil
}

func historyFile(pgdata string, tli int) string {
	return filepath.Join(pgdata, "pg_wal", fmt.Sprintf("%08X.history", tli))
}

// historyFiles lists the timelines that have a history file in PGDATA/pg_wal, in order.
func historyFiles(pgdata string) (timelines []int, err error) {
	paths, err := filepath.Glob(filepath.Join(pgdata, "pg_wal", "????????.history"))
	for _, path := range paths {
		if tli, err := strconv.ParseUint(strings.TrimSuffix(filepath.Base(path), ".history"), 16, 32); err == nil {
			timelines = append(timelines, int(tli)) // the others are not Postgres's
		}
	}
	return timelines, err
}

// LocalHistory reads the history file of tli in PGDATA/pg_wal, parsed and as it is; timeline 1 has none.
func LocalHistory(pgdata string, tli int) (History, []byte, error) {
	if tli <= 1 {
		return nil, nil, nil
	}
	content, err := os.ReadFile(historyFile(pgdata, tli))
	if err != nil {
		return nil, nil, err
	}
	h, err := ParseHistory(content)
	if err == nil && len(h) == 0 {
		err = errors.New("timeline history: no ancestor")
	}
	return h, content, err
}

// reservedMark is the content of a history file that only keeps Postgres from using
// its number. Postgres skips comments, and takes it for a timeline without ancestors.
const reservedMark = "# pgaf: another node of the group was given this number; this timeline does not exist here\n"

// ReserveTimelines makes the promotion of a standby on timeline current begin timeline
// next: the numbers in between get a history file, as Postgres takes the first number
// after its own that has none. Undo it with ReleaseTimelines where the promotion does not
// take place: a standby cannot be started with a newer timeline that is not its child.
func ReserveTimelines(pgdata string, current, next int) error {
	for tli := current + 1; tli < next; tli++ {
		path := historyFile(pgdata, tli)
		if exists(path) {
			continue
		}
		if _, err := replaceFile(path, []byte(reservedMark), 0o600); err != nil {
			return fmt.Errorf("reserve timeline %d in %s: %w", tli, pgdata, err)
		}
	}
	return nil
}

// ReservedTimelines lists the numbers that ReserveTimelines has taken in this cluster.
func ReservedTimelines(pgdata string) (reserved []int, err error) {
	timelines, err := historyFiles(pgdata)
	if err != nil {
		return nil, fmt.Errorf("look for reserved timelines in %s: %w", pgdata, err)
	}
	for _, tli := range timelines {
		content, err := os.ReadFile(historyFile(pgdata, tli))
		if err != nil {
			return nil, fmt.Errorf("look for reserved timelines in %s: %w", pgdata, err)
		}
		if string(content) == reservedMark {
			reserved = append(reserved, tli)
		}
	}
	return reserved, nil
}

// ReleaseTimelines removes those of the reserved timelines that no promotion of this cluster, which
// is on timeline current, or of its upstream has passed since: standbys fetch all files up to
// their timeline, so those below one that exists stay.
func ReleaseTimelines(pgdata string, reserved []int, current int) error {
	for _, tli := range reserved {
		if tli <= current || descendsAfter(pgdata, tli, current) {
			continue
		}
		if err := removeFile(historyFile(pgdata, tli)); err != nil {
			return fmt.Errorf("release timeline %d in %s: %w", tli, pgdata, err)
		}
	}
	return nil
}

// descendsAfter says whether one of the history files that follow that of timeline reserved
// without a gap is of a timeline that comes from ancestor.
func descendsAfter(pgdata string, reserved, ancestor int) bool {
	for tli := reserved + 1; ; tli++ {
		content, err := os.ReadFile(historyFile(pgdata, tli))
		if err != nil {
			return false
		}
		history, err := ParseHistory(content)
		if _, from := history.SwitchPoint(ancestor); err == nil && from {
			return true
		}
	}
}

// branch is one stretch of a history: a timeline from where it left its parent to where the next one left it.
type branch struct {
	tli        int
	begin, end LSN
}

// openEnd is the end of the timeline that a history leads to.
const openEnd = ^LSN(0)

// branches are the stretches of the history that leads to timeline tip, oldest first.
func (h History) branches(tip int) []branch {
	var list []branch
	var begin LSN
	for _, a := range h {
		if a.TLI < tip {
			list = append(list, branch{a.TLI, begin, a.SwitchLSN})
			begin = a.SwitchLSN
		}
	}
	return append(list, branch{tip, begin, openEnd})
}

// fork is where two histories part: the index of the last branch that both have, and the position up to which
// both have it; found is false for histories that share nothing. Two timelines of one number that began at
// different positions are different timelines: two nodes were promoted without knowing of each other.
func fork(a, b []branch) (last int, at LSN, found bool) {
	last = -1
	for i := 0; i < len(a) && i < len(b) && a[i].tli == b[i].tli && a[i].begin == b[i].begin; i++ {
		last, at = i, min(a[i].end, b[i].end)
		if a[i].end != b[i].end {
			break
		}
	}
	return last, at, last >= 0
}

// Relation of a local position to an upstream's history.
type Relation int

const (
	RelationUnknown    Relation = iota // the local timeline is not known
	RelationSame                       // same timeline, not ahead of the upstream: streams directly
	RelationAncestor                   // our timeline ended in the upstream's history, and not before our position: streams, no rewind
	RelationDescendant                 // the upstream's timeline ended in our history, and not before its position: it could follow us
	RelationDiverged                   // we hold WAL that the upstream's history does not have: rewind
)

func (r Relation) String() string {
	switch r {
	case RelationSame:
		return "same timeline"
	case RelationAncestor:
		return "ancestor"
	case RelationDescendant:
		return "descendant"
	case RelationDiverged:
		return "diverged"
	}
	return "unknown"
}

// Follows says whether replication from the upstream can begin without a rewind.
func (r Relation) Follows() bool { return r == RelationSame || r == RelationAncestor }

// Compare tells how local, on the timeline that the history own leads to, relates to an upstream at up with
// history h. local.LSN is the end of what we hold; with start it is the start of the last record that we hold (a
// checkpoint location of pg_control), so that it must lie strictly before the end of the common history: a record
// is never split by a switch point. Where own is not known (nil beyond timeline 1) it is taken for a part of h.
func Compare(local Position, start bool, own History, up System, h History) Relation {
	if local.Timeline == 0 {
		return RelationUnknown
	}
	if own == nil {
		own = h
	}
	ours, theirs := own.branches(local.Timeline), h.branches(up.Timeline)
	last, at, found := fork(ours, theirs)
	if !found {
		return RelationDiverged
	}
	within := func(end LSN) bool { return local.LSN < end || local.LSN == end && !start }
	ourTip, theirTip := last == len(ours)-1, last == len(theirs)-1
	switch {
	case ourTip && theirTip && within(up.LSN):
		return RelationSame
	case ourTip && !theirTip && within(at):
		return RelationAncestor
	case theirTip && !ourTip && up.LSN <= at:
		return RelationDescendant
	}
	return RelationDiverged
}
