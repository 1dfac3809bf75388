package postgres

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"pgaf/keeper/killpoint"
)

// SlotPrefix of the slots and application names of standbys.
const SlotPrefix = "pgautofailover_standby_"

// legacySlot marks slots of very old releases, which had no node id.
const legacySlot = "pgautofailover_standby"

// SlotName is the slot and application name of a node.
func SlotName(nodeID int64) string { return SlotPrefix + strconv.FormatInt(nodeID, 10) }

// BackupName is the application name of a node while its base backup streams.
func BackupName(nodeID int64) string {
	return "pgautofailover_basebackup_" + strconv.FormatInt(nodeID, 10)
}

// SlotWanted is the slot of one peer. LSN (0 = unknown) is the peer's position, to which a standby advances
// it.
type SlotWanted struct {
	Name string
	LSN  LSN
}

// SlotChanges lists what EnsureSlots did. Lost are those of Created that replace a slot whose WAL was gone.
type SlotChanges struct{ Created, Dropped, Lost []string }

// slot is a row of pg_replication_slots.
type slot struct {
	name       string
	active     bool
	lost       bool // its WAL is gone (max_slot_wal_keep_size)
	restartLSN LSN
}

// EnsureSlots creates what is missing, drops inactive pgaf slots nobody wants, recreates inactive lost ones
// and on a standby (inRecovery) advances the inactive ones, so that they keep no more WAL than needed.
func (s *Server) EnsureSlots(ctx context.Context, wanted []SlotWanted, inRecovery bool) (SlotChanges, error) {
	var done SlotChanges
	err := s.SQL(ctx, func(conn *pgx.Conn) error {
		slots, err := querySlots(ctx, conn)
		if err != nil {
			return err
		}
		plan := planSlots(slots, wanted, inRecovery)
		for _, name := range plan.drop {
			dropped, err := dropSlot(ctx, conn, name)
			if err != nil {
				return err
			}
			if dropped && !slices.Contains(plan.lost, name) {
				done.Dropped = append(done.Dropped, name)
			}
		}
		killpoint.At(ctx, "EnsureSlots-create")
		for _, name := range plan.create {
			_, err := conn.Exec(ctx, "select pg_create_physical_replication_slot($1, true)", name)
			if hasCode(err, "42710") { // exists: a lost one that is in use
				continue
			}
			if err != nil {
				return fmt.Errorf("create replication slot %s: %w", name, err)
			}
			done.Created = append(done.Created, name)
			if slices.Contains(plan.lost, name) {
				done.Lost = append(done.Lost, name)
			}
		}
		for _, w := range plan.advance {
			_, err := conn.Exec(ctx, "select pg_replication_slot_advance($1, $2::text::pg_lsn)", w.Name, w.LSN.String())
			if err != nil && !hasCode(err, "55006") { // in use
				return fmt.Errorf("advance replication slot %s to %s: %w", w.Name, w.LSN, err)
			}
		}
		return nil
	})
	if err != nil {
		return done, fmt.Errorf("replication slots of Postgres on %s: %w", s.PGDATA(), err)
	}
	return done, nil
}

// slotPlan is what EnsureSlots has to do.
type slotPlan struct {
	drop, create []string
	lost         []string // in both: wanted, but it keeps nothing any more
	advance      []SlotWanted
}

func planSlots(slots []slot, wanted []SlotWanted, inRecovery bool) slotPlan {
	var plan slotPlan
	have := map[string]slot{}
	for _, s := range slots {
		want := slices.ContainsFunc(wanted, func(w SlotWanted) bool { return w.Name == s.name })
		if ours := strings.Contains(s.name, legacySlot); !s.active && (s.lost || !want) && (ours || want) {
			plan.drop = append(plan.drop, s.name)
			if want {
				plan.lost = append(plan.lost, s.name)
			}
			continue
		}
		have[s.name] = s
	}
	for _, w := range wanted {
		s, ok := have[w.Name]
		switch {
		case !ok:
			plan.create = append(plan.create, w.Name)
		case inRecovery && !s.active && s.restartLSN != 0 && w.LSN > s.restartLSN:
			plan.advance = append(plan.advance, w)
		}
	}
	return plan
}

// CreateSlot makes one slot that keeps WAL from now on; created is false when it is there already.
func (s *Server) CreateSlot(ctx context.Context, name string) (created bool, err error) {
	err = s.Exec(ctx, "select pg_create_physical_replication_slot($1, true)", name)
	if hasCode(err, "42710") {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("create replication slot %s: %w", name, err)
	}
	return true, nil
}

// DropSlot drops one slot; dropped is false when there is none. One that is in use is an error.
func (s *Server) DropSlot(ctx context.Context, name string) (dropped bool, err error) {
	err = s.Exec(ctx, "select pg_drop_replication_slot($1)", name)
	if hasCode(err, "42704") {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("drop replication slot %s: %w", name, err)
	}
	return true, nil
}

// DropInactiveSlots drops every inactive pgaf slot and returns their names.
func (s *Server) DropInactiveSlots(ctx context.Context) (dropped []string, err error) {
	changes, err := s.EnsureSlots(ctx, nil, false)
	return changes.Dropped, err
}

func querySlots(ctx context.Context, conn *pgx.Conn) ([]slot, error) {
	rows, err := conn.Query(ctx, `select slot_name::text, active, coalesce(wal_status = 'lost', false), coalesce(restart_lsn, '0/0')::text
		from pg_replication_slots where slot_type = 'physical'`)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (s slot, err error) {
		return s, row.Scan(&s.name, &s.active, &s.lost, &s.restartLSN)
	})
}

// dropSlot drops an inactive slot; one that became active or vanished meanwhile is left alone.
func dropSlot(ctx context.Context, conn *pgx.Conn, name string) (bool, error) {
	_, err := conn.Exec(ctx, "select pg_drop_replication_slot($1)", name)
	if hasCode(err, "55006") || hasCode(err, "42704") {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("drop replication slot %s: %w", name, err)
	}
	return true, nil
}

func hasCode(err error, code string) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && pg.Code == code
}
