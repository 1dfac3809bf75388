package postgres

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pglogrepl"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// Receiver is the walreceiver of a standby.
type Receiver struct {
	PID       int // 0 = none
	Status    string
	Streaming bool
	Host      string
	Port      int
	Slot      string
	Timeline  int // being received
}

// Metadata is one truthful look at the running server.
type Metadata struct {
	InRecovery       bool
	SystemIdentifier uint64
	Timeline         int    // primary: of insertion; standby: received, else replayed
	LSN              LSN    // primary: flushed; standby: the greater of received-and-flushed and replayed
	ReceiveLSN       LSN    // standby
	ReplayLSN        LSN    // standby
	SyncState        string // best of our standbys: quorum, sync, potential, async; "" = none connected
	Standbys         int    // pgaf standbys that stream from here
	Receiver         Receiver
	ControlVersion   int
	CatalogVersion   int
	VersionNum       int    // 150020
	Version          string // 15.20
}

// Position is the timeline and LSN to report.
func (m Metadata) Position() Position { return Position{m.Timeline, m.LSN} }

// receives is whether a row of pg_stat_wal_receiver is one that gets messages, or has been there long enough to be
// believed on an idle primary. Where the upstream lacks the WAL that is wanted next, a new walreceiver every
// wal_retrieve_retry_interval (100 ms) counts as streaming until it hears so. Until the first message both times are
// the walreceiver's own start.
const receives = `(status = 'streaming' and (last_msg_send_time is distinct from last_msg_receipt_time
	or clock_timestamp() - last_msg_receipt_time > interval '300 ms'))`

// After a restart the receive position starts at the beginning of a segment, before what is replayed already;
// hence the greatest. A promotion between two functions cannot make one of them fail: there is only the way
// out of recovery.
const metadataQuery = `
with r as materialized (select pg_is_in_recovery() as recovery)
select r.recovery, s.system_identifier, s.pg_control_version, s.catalog_version_no,
	case when r.recovery then greatest(c.timeline_id, y.min_recovery_end_timeline, coalesce(w.received_tli, 0))
		else ('x' || substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8))::bit(32)::int end,
	case when r.recovery then coalesce(greatest(pg_last_wal_receive_lsn(), pg_last_wal_replay_lsn()), '0/0')
		else pg_current_wal_flush_lsn() end::text,
	coalesce(pg_last_wal_receive_lsn(), '0/0')::text, coalesce(pg_last_wal_replay_lsn(), '0/0')::text,
	coalesce((select sync_state from pg_stat_replication where application_name like 'pgautofailover\_standby\_%'
		order by array_position(array['quorum', 'sync', 'potential', 'async'], sync_state) limit 1), ''),
	(select count(*) from pg_stat_replication where application_name like 'pgautofailover\_standby\_%' and state = 'streaming'),
	coalesce(w.pid, 0), coalesce(w.status, ''), coalesce(w.sender_host, ''), coalesce(w.sender_port, 0),
	coalesce(w.slot_name, ''), coalesce(w.received_tli, 0), coalesce(` + receives + `, false),
	current_setting('server_version_num')::int, current_setting('server_version')
from r, pg_control_system() s, pg_control_checkpoint() c, pg_control_recovery() y
	left join pg_stat_wal_receiver w on true`

// Metadata reads it over SQL. On a standby whose receiver stopped the exact timeline costs one more
// connection, once per position; where that is refused it is the one of pg_control, which may be older.
func (s *Server) Metadata(ctx context.Context) (m Metadata, err error) {
	err = s.SQL(ctx, func(conn *pgx.Conn) error {
		m, err = queryMetadata(ctx, conn)
		return err
	})
	if err != nil {
		return m, fmt.Errorf("read the state of Postgres on %s: %w", s.PGDATA(), err)
	}
	if m.InRecovery && m.Receiver.PID == 0 {
		if timeline, err := s.replayedTimeline(ctx, m); err == nil {
			m.Timeline = timeline
		}
	}
	return m, nil
}

func queryMetadata(ctx context.Context, conn *pgx.Conn) (m Metadata, err error) {
	var system int64
	w := &m.Receiver
	err = conn.QueryRow(ctx, metadataQuery).Scan(&m.InRecovery, &system, &m.ControlVersion, &m.CatalogVersion,
		&m.Timeline, &m.LSN, &m.ReceiveLSN, &m.ReplayLSN, &m.SyncState, &m.Standbys,
		&w.PID, &w.Status, &w.Host, &w.Port, &w.Slot, &w.Timeline, &w.Streaming, &m.VersionNum, &m.Version)
	m.SystemIdentifier = uint64(system)
	m.Version, _, _ = strings.Cut(m.Version, " ")
	return m, err
}

// located is the timeline that a standby without receiver had at a position.
type located struct {
	pid      int
	lsn      LSN
	timeline int
}

// replayedTimeline asks the local server IDENTIFY_SYSTEM: SQL does not tell which timeline was replayed, and
// pg_control learns it only at the next restartpoint. An election must not be decided by such a stale number.
func (s *Server) replayedTimeline(ctx context.Context, m Metadata) (int, error) {
	p, running := s.Postmaster()
	if !running {
		return 0, ErrNotRunning
	}
	s.mu.Lock()
	known := s.located
	s.mu.Unlock()
	if known.pid == p.PID && known.lsn == m.ReplayLSN {
		return max(m.Timeline, known.timeline), nil
	}
	c := s.settings()
	config, err := pgconn.ParseConfig(c.localConninfo(p, c.Database))
	if err != nil {
		return 0, err
	}
	config.ConnectTimeout = ownConnectTimeout
	config.RuntimeParams["application_name"] = ownName
	config.RuntimeParams["replication"] = "database" // pg_hba.conf judges it like our SQL connections
	conn, err := pgconn.ConnectConfig(ctx, config)
	if err != nil {
		return 0, err
	}
	defer conn.Close(ctx)
	answer, err := pglogrepl.IdentifySystem(ctx, conn)
	if err != nil {
		return 0, err
	}
	s.mu.Lock()
	s.located = located{p.PID, m.ReplayLSN, int(answer.Timeline)}
	s.mu.Unlock()
	return max(m.Timeline, int(answer.Timeline)), nil
}

// StandbyNode is one row of pg_stat_replication.
type StandbyNode struct {
	PID                                    int
	User                                   string
	ApplicationName                        string
	NodeID                                 int64 // from pgautofailover_standby_<id>; 0 = not ours
	ClientAddr                             string
	State                                  string // startup, catchup, streaming, backup, stopping
	SentLSN, WriteLSN, FlushLSN, ReplayLSN LSN
	SyncState                              string
	SyncPriority                           int
	ReplyTime                              time.Time // of its last message, by the standby's own clock: it tells one from another, no more
}

// StandbyNodes lists pg_stat_replication.
func (s *Server) StandbyNodes(ctx context.Context) (nodes []StandbyNode, err error) {
	err = s.SQL(ctx, func(conn *pgx.Conn) error {
		nodes, err = queryStandbyNodes(ctx, conn)
		return err
	})
	return nodes, err
}

func queryStandbyNodes(ctx context.Context, conn *pgx.Conn) ([]StandbyNode, error) {
	rows, err := conn.Query(ctx, `select pid, coalesce(usename::text, ''), coalesce(application_name, ''),
		coalesce(host(client_addr), ''), coalesce(state, ''),
		coalesce(sent_lsn, '0/0')::text, coalesce(write_lsn, '0/0')::text,
		coalesce(flush_lsn, '0/0')::text, coalesce(replay_lsn, '0/0')::text,
		coalesce(sync_state, ''), coalesce(sync_priority, 0),
		coalesce(reply_time, 'epoch')
		from pg_stat_replication order by application_name, pid`)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (n StandbyNode, err error) {
		err = row.Scan(&n.PID, &n.User, &n.ApplicationName, &n.ClientAddr, &n.State,
			&n.SentLSN, &n.WriteLSN, &n.FlushLSN, &n.ReplayLSN, &n.SyncState, &n.SyncPriority, &n.ReplyTime)
		n.NodeID = nodeIDOf(n.ApplicationName)
		return n, err
	})
}

// nodeIDOf reads the node id in a standby's name; 0 when it is not one of ours.
func nodeIDOf(name string) int64 {
	number, ok := strings.CutPrefix(name, SlotPrefix)
	if !ok {
		return 0
	}
	id, err := strconv.ParseInt(number, 10, 64)
	if err != nil {
		return 0
	}
	return id
}
