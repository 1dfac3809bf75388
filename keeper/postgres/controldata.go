package postgres

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/jackc/pglogrepl"
)

// LSN is a write-ahead log position.
type LSN = pglogrepl.LSN

// ControlState is the "Database cluster state" of pg_control.
type ControlState string

const (
	StateStartingUp         ControlState = "starting up"
	StateShutDown           ControlState = "shut down"
	StateShutDownInRecovery ControlState = "shut down in recovery"
	StateShuttingDown       ControlState = "shutting down"
	StateInCrashRecovery    ControlState = "in crash recovery"
	StateInArchiveRecovery  ControlState = "in archive recovery"
	StateInProduction       ControlState = "in production"
)

// ControlData is what pg_controldata prints.
type ControlData struct {
	State             ControlState
	SystemIdentifier  uint64
	ControlVersion    int // e.g. 1300
	CatalogVersion    int // e.g. 202209061
	CheckpointLSN     LSN // Latest checkpoint location: start of the checkpoint record
	RedoLSN           LSN
	Timeline          int // of the latest checkpoint
	PrevTimeline      int
	MinRecoveryEnd    LSN // 0 when not in recovery
	MinRecoveryEndTLI int
	WALLevel          string
	WALLogHints       bool
	DataChecksums     bool
	WALSegmentSize    int64  // bytes
	Least             [5]int // what a standby of this data needs of each of GroupSettings
}

// Clean reports a clean shutdown: no crash recovery is needed before pg_rewind or a start.
func (c ControlData) Clean() bool {
	return c.State == StateShutDown || c.State == StateShutDownInRecovery
}

// HasCluster reports whether pgdata holds a cluster (global/pg_control exists).
func HasCluster(pgdata string) bool {
	return exists(filepath.Join(pgdata, "global", "pg_control"))
}

// ControlData runs pg_controldata.
func (b Bin) ControlData(ctx context.Context, pgdata string) (ControlData, error) {
	var text strings.Builder
	p := program{
		path:   b.Path("pg_controldata"),
		args:   []string{"-D", pgdata},
		onLine: func(line string) { text.WriteString(line + "\n") },
	}
	output, err := p.run(ctx)
	var c ControlData
	if err == nil {
		c, err = ParseControlData(text.String())
		output = ""
	}
	if err != nil {
		return c, &ProgramError{
			Program: "pg_controldata", Doing: "read pg_control of " + pgdata,
			Kind: classify(ctx, output, err), Output: output, Err: err,
		}
	}
	return c, nil
}

// ParseControlData parses the (C locale) output of pg_controldata. A checksum mismatch is an error: nothing
// in such a file can be believed.
func ParseControlData(text string) (ControlData, error) {
	if strings.Contains(text, "WARNING: Calculated CRC checksum does not match") ||
		strings.Contains(text, "WARNING: invalid WAL segment size") {
		return ControlData{}, errors.New("pg_control is corrupt: " + firstLine(text))
	}
	values := map[string]string{}
	for lines := bufio.NewScanner(strings.NewReader(text)); lines.Scan(); {
		if name, value, ok := strings.Cut(lines.Text(), ":"); ok {
			values[name] = strings.TrimSpace(value)
		}
	}
	p := controlParser{values: values}
	c := ControlData{
		State:             ControlState(p.text("Database cluster state")),
		SystemIdentifier:  p.number("Database system identifier", 64),
		ControlVersion:    int(p.number("pg_control version number", 31)),
		CatalogVersion:    int(p.number("Catalog version number", 31)),
		CheckpointLSN:     p.lsn("Latest checkpoint location"),
		RedoLSN:           p.lsn("Latest checkpoint's REDO location"),
		Timeline:          int(p.number("Latest checkpoint's TimeLineID", 31)),
		PrevTimeline:      int(p.number("Latest checkpoint's PrevTimeLineID", 31)),
		MinRecoveryEnd:    p.lsn("Minimum recovery ending location"),
		MinRecoveryEndTLI: int(p.number("Min recovery ending loc's timeline", 31)),
		WALLevel:          p.text("wal_level setting"),
		WALLogHints:       p.text("wal_log_hints setting") == "on",
		DataChecksums:     p.number("Data page checksum version", 31) != 0,
		WALSegmentSize:    int64(p.number("Bytes per WAL segment", 63)),
		Least: [5]int{
			int(p.number("max_connections setting", 31)), int(p.number("max_worker_processes setting", 31)),
			int(p.number("max_wal_senders setting", 31)), int(p.number("max_prepared_xacts setting", 31)),
			int(p.number("max_locks_per_xact setting", 31)),
		},
	}
	return c, p.err
}

// controlParser reads values and keeps the first error.
type controlParser struct {
	values map[string]string
	err    error
}

func (p *controlParser) text(name string) string {
	value, ok := p.values[name]
	if !ok && p.err == nil {
		p.err = fmt.Errorf("pg_controldata printed no %q", name)
	}
	return value
}

func (p *controlParser) number(name string, bits int) uint64 {
	n, err := strconv.ParseUint(p.text(name), 10, bits)
	if err != nil && p.err == nil {
		p.err = fmt.Errorf("pg_controldata %q: %w", name, err)
	}
	return n
}

func (p *controlParser) lsn(name string) LSN {
	lsn, err := pglogrepl.ParseLSN(p.text(name))
	if err != nil && p.err == nil {
		p.err = fmt.Errorf("pg_controldata %q: %w", name, err)
	}
	return lsn
}

func firstLine(text string) string {
	line, _, _ := strings.Cut(strings.TrimSpace(text), "\n")
	return line
}
