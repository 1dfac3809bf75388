// Package model checks the monitor's rules in orders of events that nobody thought of.
//
// It drives the functions of the extension as they are installed, not one line of them
// changed, with simulated nodes, and looks at the whole group after each step.
//
// # What is real, and what is simulated
//
//	rules, locks, tables, events   real: the installed functions, in a Postgres of its own
//	time, sessions, notifications  given with each call (shadow.sql puts others in their place)
//	a keeper                       simulated; which transitions it has it reads from the keeper's own table
//	an action of a keeper          simulated in steps, so that anything may happen in between (actions.go)
//	a Postgres                     a log of records, who streams from whom, what each standby has flushed,
//	                               and the synchronous_standby_names in effect, which may lag behind what was ordered
//	the network                    links that are cut or whole; reports may be lost, or arrive late
//
// A commit is acknowledged when the standbys that the primary waits for have confirmed it.
//
// # What is looked at
//
// After each step: OnePrimaryAcks, NoAckedLoss, LeaseFence and CleanSwitchover (docs/safety.md);
// that each goal can be reached by its keeper (Reachable); that each event says that
// something changed and each change has one (Events); that evaluations come to rest
// (Evaluate); that no keeper takes another history for its own (SilentDivergence). From time
// to time: that explain() tells each waiting node for what it waits (Explain), and that
// the group is well again when all faults end, at most one machine staying dead, unless
// claim 2 forbids it (NoStuckState).
//
// # How orders are chosen
//
// Random walks (Hunt) with faults in the middle of everything. A walk begins where an
// earlier one found something new, so that what is rare need not be met again by chance,
// and inclines to some of the faults and calls, with parts of the group that lag behind.
// And all orders of coarse steps up to a length (Exhaust). What breaks a property is
// shrunk, printed as a transcript, and kept as a script and as a test for pg_regress.
//
// That it would find something is shown by mistakes put into copies of the rules
// (Mutations): each of them is found.
package model
