package postgres

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
)

// syncProof is the value of synchronous_standby_names that is known to be in effect in the postmaster pid.
type syncProof struct {
	pid   int
	value string
	armed bool // the checkpointer has armed the wait
}

// walsenderLimit is how long a walsender may take to read a reloaded configuration.
const walsenderLimit = 3 * time.Second

// SyncStandbyNames is the value that sessions see.
func (s *Server) SyncStandbyNames(ctx context.Context) (string, error) {
	return s.Setting(ctx, "synchronous_standby_names")
}

// SetSyncStandbyNames sets synchronous_standby_names and returns when it is in effect.
//
// That takes three processes, none of which says that it has read the new value: the sessions; the
// checkpointer, whose shared flag makes committing backends wait at all, and who is deaf while it syncs a
// checkpoint to disk; and each walsender, which decides whether its standby counts. So: a reload that our
// session saw; a second one, whose arrival proves that the postmaster had finished signalling for the first;
// for a non-empty value on a primary a CHECKPOINT, before which the checkpointer reads its configuration
// (once per arming and postmaster); and the priorities that the walsenders publish.
func (s *Server) SetSyncStandbyNames(ctx context.Context, value string) error {
	err := s.SQL(ctx, func(conn *pgx.Conn) error { return s.setSyncNames(ctx, conn, value) })
	if err != nil {
		return fmt.Errorf("set synchronous_standby_names to '%s' on %s: %w", value, s.PGDATA(), err)
	}
	return nil
}

func (s *Server) setSyncNames(ctx context.Context, conn *pgx.Conn, value string) error {
	p, running := s.Postmaster()
	if !running {
		return ErrNotRunning
	}
	s.mu.Lock()
	proof := s.synced
	s.synced = syncProof{}
	s.mu.Unlock()
	changed, err := alterSystem(ctx, conn, "synchronous_standby_names", &value)
	if err != nil {
		return err
	}
	if changed || proof.pid != p.PID || proof.value != value {
		for range 2 {
			if err := s.reloadSeen(ctx, conn); err != nil {
				return err
			}
		}
	}
	var effective string
	var recovery bool
	err = conn.QueryRow(ctx, "select current_setting('synchronous_standby_names'), pg_is_in_recovery()").Scan(&effective, &recovery)
	switch {
	case err != nil:
		return err
	case effective != value:
		return fmt.Errorf("'%s' stays in effect: a later line of postgresql.auto.conf or the command line sets it", effective)
	}
	armed := value != "" && !recovery
	if armed && !(proof.pid == p.PID && proof.armed) {
		if err := s.Checkpoint(ctx); err != nil {
			return err
		}
	}
	if err := awaitWalsenders(ctx, conn, value); err != nil {
		return err
	}
	s.mu.Lock()
	s.synced = syncProof{p.PID, value, armed}
	s.mu.Unlock()
	return nil
}

// awaitWalsenders returns when the priority of every standby is the one that value gives it.
func awaitWalsenders(ctx context.Context, conn *pgx.Conn, value string) error {
	names, err := parseSyncNames(value)
	if err != nil {
		return err
	}
	var late string
	err = askFor(ctx, walsenderLimit, func() (bool, error) {
		nodes, err := queryStandbyNodes(ctx, conn)
		late = ""
		for _, n := range nodes {
			// Without a flush position (a base backup) the server shows 0 in any case.
			if n.FlushLSN != 0 && n.SyncPriority != names.priority(n.ApplicationName) {
				late = fmt.Sprintf("the walsender of %s (pid %d) has priority %d instead of %d",
					n.ApplicationName, n.PID, n.SyncPriority, names.priority(n.ApplicationName))
			}
		}
		return late == "", err
	})
	if errors.Is(err, errAskedLong) {
		return errors.New(late)
	}
	return err
}

// syncNames is a parsed synchronous_standby_names.
type syncNames struct {
	any   bool // quorum: all have priority 1
	names []string
}

// priority that a walsender publishes for its standby: 0 = not synchronous.
func (n syncNames) priority(name string) int {
	for i, candidate := range n.names {
		if candidate == "*" || strings.EqualFold(candidate, name) {
			if n.any {
				return 1
			}
			return i + 1
		}
	}
	return 0
}

// parseSyncNames understands ”, 'a, b', 'n (a, b)', 'FIRST n (a, b)' and 'ANY n (a, b)'.
func parseSyncNames(value string) (syncNames, error) {
	var n syncNames
	list := strings.TrimSpace(value)
	if open := strings.IndexByte(list, '('); open >= 0 && strings.HasSuffix(list, ")") && !strings.Contains(list[:open], `"`) {
		method := strings.Fields(list[:open])
		n.any = len(method) == 2 && strings.EqualFold(method[0], "any")
		list = list[open+1 : len(list)-1]
	}
	for list = strings.TrimSpace(list); list != ""; {
		name, rest, err := cutSyncName(list)
		if err != nil {
			return n, fmt.Errorf("synchronous_standby_names '%s': %w", value, err)
		}
		n.names = append(n.names, name)
		list = rest
	}
	return n, nil
}

// cutSyncName takes one name, quoted or not, and the comma behind it.
func cutSyncName(list string) (name, rest string, err error) {
	if !strings.HasPrefix(list, `"`) {
		name, rest, _ = strings.Cut(list, ",")
		return strings.TrimSpace(name), strings.TrimSpace(rest), nil
	}
	for i := 1; i < len(list); i++ {
		if list[i] != '"' {
			continue
		}
		if i+1 < len(list) && list[i+1] == '"' {
			i++ // a doubled quote
			continue
		}
		name = strings.ReplaceAll(list[1:i], `""`, `"`)
		rest = strings.TrimPrefix(strings.TrimSpace(list[i+1:]), ",")
		return name, strings.TrimSpace(rest), nil
	}
	return "", "", errors.New("unterminated quote")
}

// CancelSyncWaiters ends the wait of every backend that waits for a synchronous standby, and returns their
// number. Their commits are then reported to their clients as done, with a warning: only for a group that
// accepts commits without standby.
func (s *Server) CancelSyncWaiters(ctx context.Context) (n int, err error) {
	err = s.SQL(ctx, func(conn *pgx.Conn) error {
		return conn.QueryRow(ctx, `select count(pg_cancel_backend(pid)) from pg_stat_activity where wait_event = 'SyncRep'`).Scan(&n)
	})
	if err != nil {
		return n, fmt.Errorf("release commits that wait for a standby on %s: %w", s.PGDATA(), err)
	}
	return n, nil
}
