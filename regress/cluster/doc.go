// Package cluster holds the cluster tests: real monitors, keepers and Postgres servers,
// each on a host of its own (a network namespace), real faults, and a client that counts.
//
// One file is one behaviour, and the name of its test is the promise. Names of safety
// claims (CleanSwitchover, ThawedPrimary, RestartIsNoEvent, …) are those of docs/safety.md.
// The gaps asserted here are generous: several clusters share this machine's cores. The
// benchmark in regress/bench measures one at a time against the real targets.
//
//	go test ./regress/cluster -v -run ThawedPrimary
//
// A failing test leaves the logs of every process, all states of the group with their times, and the
// monitor's events in results/<test>/.
package cluster
