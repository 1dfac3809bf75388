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

// LocalHistory reads the history file of tli in PGDATA/pg_wal, parsed and as it is; timeline 1 has none.
func LocalHistory(pgdata string, tli int) (History, []byte, error) {
	if tli <= 1 {
		return nil, nil, nil
	}
	content, err := os.ReadFile(filepath.Join(pgdata, "pg_wal", fmt.Sprintf("%08X.history", tli)))
	if err != nil {
		return nil, nil, err
	}
	h, err := ParseHistory(content)
	if err == nil && len(h) == 0 {
		err = errors.New("timeline history: no ancestor")
	}
	return h, content, err
}

// Relation of a local position to an upstream's history.
type Relation int

const (
	RelationUnknown  Relation = iota // the local timeline is not known
	RelationSame                     // same timeline, not ahead of the upstream: streams directly
	RelationAncestor                 // our timeline ended in the upstream's history, and not before our position: streams, no rewind
	RelationDiverged                 // we hold WAL that the upstream's history does not have: rewind
)

func (r Relation) String() string {
	switch r {
	case RelationSame:
		return "same timeline"
	case RelationAncestor:
		return "ancestor"
	case RelationDiverged:
		return "diverged"
	}
	return "unknown"
}

// Compare tells how local relates to an upstream at up with history h. local.LSN is the end of what we hold;
// with start it is the start of the last record that we hold (a checkpoint location of pg_control), so that
// it must lie strictly before the end of the common history: a record is never split by a switch point.
func Compare(local Position, start bool, up System, h History) Relation {
	within := func(end LSN) bool { return local.LSN < end || local.LSN == end && !start }
	switch {
	case local.Timeline == 0:
		return RelationUnknown
	case local.Timeline == up.Timeline && within(up.LSN):
		return RelationSame
	case local.Timeline >= up.Timeline:
		return RelationDiverged
	}
	if end, ok := h.SwitchPoint(local.Timeline); ok && within(end) {
		return RelationAncestor
	}
	return RelationDiverged
}
