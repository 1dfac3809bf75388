// Package killpoint names the moments at which tests kill a keeper, or its Postgres.
//
// Every step of every action that changes something has a point right before it
// (At), so that a kill at all points covers the time between any two steps. Besides,
// each transition has the points begin, done (the action has ended, the state is not
// yet on disk) and saved (it is, and not yet reported). A test in package keeper reads
// the source and fails for a step without a point.
//
// In an ordinary build everything here is empty. With the build tag killpoints the
// folder $PGAF_KILLPOINTS controls it: while it holds a file named kill, whose
// content is keeper or postgres, that one is killed at each point that has no file in
// the folder hit yet. The file is made first, so each point kills once.
package killpoint

// Begin, Done and Saved are the points that each transition has.
const (
	Begin = "begin"
	Done  = "done"
	Saved = "saved"
)
