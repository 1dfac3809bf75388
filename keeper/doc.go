// Package keeper is the agent of one node: of a data node, whose Postgres it makes a
// primary or a standby as the monitor says, or of the monitor's own Postgres, which
// it keeps running.
//
// # Invariant
//
// A keeper never decides who is the primary. The monitor assigns a goal; the keeper
// walks to it along the edges of one table (Transitions), and reports what it has
// become. Every action on an edge may be interrupted at any point, by a new goal, an
// error, or SIGKILL, and is then begun again; it looks first at what is already done.
//
// The one exception is the lease (lease.go): a primary that has heard neither the
// monitor nor its standbys for timeout.network_partition_timeout stops its Postgres
// by itself, since the monitor may by then have promoted another node. It takes the
// state demote_timeout, and what follows is the monitor's decision again.
//
// # Who knows what
//
//	goal, peers, synchronous_standby_names   the monitor
//	state, and what was reported             the state file: on disk before it is reported
//	is Postgres running, where is its WAL    postmaster.pid, pg_control, and Postgres itself
//	how long ago                             CLOCK_BOOTTIME of this machine, nobody's time of day
//
// # Goroutines
//
//	              ┌──────────── answers ───────────┐
//	              ▼                                │
//	events ─▶ executor ── view (what we are) ─▶  link  ◀─ NOTIFY state ─ monitor
//	clock  ─▶  │  ▲                              ▲  │ ── node_active ─▶
//	reload ─▶  │  └ result                 calls │  └ observe ─▶ Postgres
//	           ▼                                 │
//	          job: one action, cancellable ──────┘
//
// The executor owns the state; nothing else writes it. The link owns the connection
// to the monitor and reports every second, and at once when something changed; it
// does so while a job runs. A job runs one action of the table, or what keeps the
// present state true (Postgres up or down, slots, access rules). The witness watches
// a replication connection of its own to the primary and tells when it breaks.
//
// # States
//
//	      ┌────────┐   standby joins  ┌──────────────┐  standby caught up  ┌─────────┐
//	init ▶│ single │ ───────────────▶ │ wait_primary │ ──────────────────▶ │ primary │
//	      └────────┘                  └──────────────┘ ◀────────────────── └─────────┘
//	                                     ▲    standbys lost                  │     │
//	                             promote │                            drain, │     │ lease over
//	                                     │                              stop ▼     ▼
//	              ┌───────────────────┐  │                       ┌──────────┐ ┌────────────────┐
//	              │ prepare_promotion │ ─┘                       │ draining │ │ demote_timeout │
//	              └───────────────────┘                          └──────────┘ └────────────────┘
//	      takeover ▲         ▲ elected                        replaced │            │ replaced
//	               │         │                                         ▼            ▼
//	      ┌───────────┐  ┌────────────┐    rewind or copy          ┌─────────────────────┐
//	      │ secondary │─▶│ report_lsn │    ┌───────────────────────│       demoted       │
//	      └───────────┘  └────────────┘    ▼                       └─────────────────────┘
//	          ▲    primary lost     ┌────────────┐
//	          └──────────────────── │ catchingup │ ◀── wait_standby ◀ init
//	              caught up         └────────────┘
//
// A node in draining, demote_timeout or demoted has its Postgres stopped and never
// starts it. After a start of the keeper nothing is started before the monitor has
// answered; a Postgres that runs is adopted as it is.
package keeper
