// Command pgaf is the command line of automated failover for PostgreSQL.
//
// This package holds flags and printing only: what a command does lives in the
// packages keeper (the node), monitor (the group) and tui (the live view). The
// kong structs are the one source of the command tree: parsing, --help, the
// help command, shell completion, the man pages and docs/commands.md read the
// same tags (reference.go).
//
// To add a command: one file that defines its struct (options as tagged
// fields, Run method) and one line in the tree (tree.go) with its help and
// example. What more there is to tell is told by methods of the struct: Help
// (paragraphs below the first sentence), exits (exit codes other than 0 and 1)
// and output (columns, JSON keys). Then make docs. The tests say what else is
// missing: the example in a session of testdata/examples, options that no
// script of testdata uses, exit codes that a script sees and exits does not name.
//
// The data a command was asked for goes to stdout; logs, progress and errors go
// to stderr. Every error is one line of cause and, where something can be done
// about it, one line of remedy; the exit codes are those of errors.go.
//
// The same binary answers to the name pg_autoctl: the program name in help and
// messages is the name it was called by.
package main
