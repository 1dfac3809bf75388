// Package postgres is everything that touches one local PostgreSQL instance (13 or newer, Linux) and the
// replication protocol of its upstream. It decides nothing: package keeper says what the instance should be,
// this package makes it so and tells the truth about it.
//
// Who is the authority for what:
//
//	postmaster.pid + the process it names   whether Postgres runs, and its Status
//	pg_control                              what a stopped folder holds
//	SQL on the local socket                 what a running server is (Metadata)
//	IDENTIFY_SYSTEM, TIMELINE_HISTORY       what the upstream is
//	standby.signal                          whether the next start is a standby
//
// Invariants:
//
//   - The postmaster is a child in its own session with its output in PGDATA/startup.log. It outlives this
//     process; a later Server adopts it by its pid. A pid counts only while that process is a postgres
//     whose working directory is PGDATA, so a recycled pid is never mistaken for a postmaster nor signalled.
//   - Stop returning nil means that no process of the cluster is left that could acknowledge a commit,
//     orphaned backends of a killed postmaster included.
//   - Nothing is polled that the kernel can tell: exits come from pidfd or wait, status changes and the end
//     of recovery from inotify on postmaster.pid and pg_control. What only SQL can tell (a walreceiver, a
//     walsender) is asked every few milliseconds, only inside the one call that waits for it, bounded by its
//     context.
//   - A folder that was overwritten in part is never started: Rewind leaves a marker (RewindPending) that
//     only a finished Rewind or a BaseBackup removes; InitDB and BaseBackup work beside PGDATA and put it in
//     place by rename.
//   - A folder made from another node is a standby before it can be started: BaseBackup and Rewind write the
//     standby set-up before PGDATA becomes startable.
//   - Own SQL never waits for a standby (synchronous_commit = local), nor for long for anything else
//     (lock_timeout, statement_timeout).
//   - External programs run in their own process group, with C messages so that they can be classified, and
//     without the PG* variables of our environment.
//
// Life of a Server:
//
//	            Start                 ready / hot standby
//	NotRunning ───────► Starting ────────────────────────► Ready ──┐ Promote (EventRecovered)
//	     ▲                 │                                │  ▲───┘
//	     │   exit (pidfd)  ▼            Stop                ▼
//	     └──────────── Stopping ◄───────────────────────────┘
package postgres
