// Package tui draws the live view of one formation: its nodes, and below them
// the events of the monitor, newest first.
//
// The monitor is the authority for everything on the screen. The view holds one
// picture of it (picture.go), replaced by each update of monitor.Bus, so a
// change of state is drawn when the monitor notifies it and not when a poll
// happens to see it. Only what changes without a notification, report times and
// WAL positions, is read again each second. A tick moves the clock and the ages. Ages are counted on the monitor's clock, so the two machines
// need not agree on the time.
//
// While the monitor cannot be reached, the last picture stays on the screen,
// marked as stale. The view only reads; it changes nothing on the monitor.
//
//	monitor.Bus ── Update ──▶ picture ──▶ header, nodes, events ──▶ screen
//	keys ───────────────────▶ selection, scroll ──────▲
//
// What is drawn depends only on the picture, the clock, the selection and the
// window's size, so every view is a pure function of those and tested as such.
package tui
