// Package harness runs real pgaf clusters for tests, the demo and the benchmark,
// breaks them on purpose, and counts what a client loses.
//
// # Model
//
//	Run      one test process: a private folder below /tmp, a private copy of the
//	         binary and of Postgres's programs, a lock, a watchdog
//	Cluster  a monitor and its nodes, each on a Host of its own
//	Host     one machine: a network namespace with its own address behind a
//	         virtual switch, or simply the loopback of this machine
//	Node     one pgaf process (`pgaf run`) with its Postgres
//	Watch    the group's states, by LISTEN on the monitor; waits end by notification
//	Writer   a client that writes all the time and remembers each acknowledged write
//
// # Whose process is it
//
// Every process of a node works in a folder below the node's folder: pgaf is
// started there, its children inherit it, and Postgres changes to its PGDATA.
// So "all processes of this node" is read from /proc/<pid>/cwd, and a process that
// this package did not cause is never touched, however it is called.
//
// # Nothing is left behind
//
// A run is the child of a guardian that reaps orphans (see Main). It holds an exclusive lock on its folder's lock file and a pipe to a
// watchdog, a copy of this very program in a session of its own. When the run ends
// in any way, SIGKILL included, the pipe breaks, and the watchdog kills what works
// below the folder, unmounts what is mounted there, and removes it. Should the
// watchdog itself die, the next run finds the folder without its lock and does
// the same. Network namespaces have no name: the kernel removes them with the last
// process and file descriptor that holds them.
//
// # Privileges
//
// As root, pgaf and Postgres run as user postgres. As an ordinary user they run as
// that user, and what needs a capability (network namespaces, a tmpfs) happens in an
// unprivileged user namespace which Main enters by running the program anew.
package harness
