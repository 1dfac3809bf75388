// Package nodefile is the declarative life of a node: one INI file says what a node is,
// and the node becomes and stays that.
//
// # Invariant
//
// What is compared is always the file with the node as it is (its configuration, and
// what the monitor knows of it), never one version of the file with another: whatever
// was missed, at a restart or while the monitor was away, is found by the next look.
// Only what a running node can change is changed; the rest is named, and left.
//
// A file that is not valid as a whole changes nothing.
package nodefile
