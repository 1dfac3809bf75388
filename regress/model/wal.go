package model

import (
	"slices"

	"github.com/jackc/pglogrepl"
)

// lsn is a position in the write-ahead log.
type lsn = pglogrepl.LSN

// wal is what a node has on disk: the ids of its records, in order. Ids grow in the
// order in which records are written anywhere in the group, so a wal is sorted, and
// two nodes agree exactly as far as their ids do.
type wal []int32

type recordKind uint8

const (
	recordBegin     recordKind = iota // of the cluster
	recordCommit                      // of a client
	recordBulk                        // more than any threshold of the monitor forgives
	recordStop                        // shutdown checkpoint
	recordPromotion                   // first record of a new timeline
)

type record struct {
	kind       recordKind
	tli        int
	start, end lsn
}

const (
	recordSize     = 0x100
	bulkRecordSize = 32 << 20
)

// position is how far a wal goes: 0 and 0/0 for none.
func (w *World) position(x wal) (tli int, end lsn) {
	if len(x) == 0 {
		return 0, 0
	}
	last := w.log[x[len(x)-1]]
	return last.tli, last.end
}

// write appends a record to a node's wal. Others may share the older part.
func (w *World) write(n *Node, kind recordKind) int32 {
	tli, end := w.position(n.pg.wal)
	size := lsn(recordSize)
	switch kind {
	case recordBegin:
		tli, end = 1, 0x1000
	case recordBulk:
		size = bulkRecordSize
	}
	id := int32(len(w.log))
	w.log = append(w.log, record{kind: kind, tli: tli, start: end, end: end + size})
	n.pg.wal = append(slices.Clip(n.pg.wal), id)
	return id
}

// begin appends the first record of a timeline.
func (w *World) begin(n *Node, timeline int) {
	w.log[w.write(n, recordPromotion)].tli = timeline
}

func (x wal) contains(id int32) bool {
	_, found := slices.BinarySearch(x, id)
	return found
}

// startOf says whether y continues x.
func (x wal) startOf(y wal) bool {
	return len(x) <= len(y) && (len(x) == 0 || x[len(x)-1] == y[len(x)-1])
}

// relation is what a keeper can find out about its own WAL and that of an upstream:
// it compares timelines and positions, not contents.
type relation int

const (
	relationSame     relation = iota // same timeline, not ahead
	relationAncestor                 // ends within the upstream's history
	relationDiverged
)

func (w *World) compare(local, upstream wal) relation {
	tli, end := w.position(local)
	upTLI, upEnd := w.position(upstream)
	switch {
	case tli == upTLI && end <= upEnd:
		return relationSame
	case tli >= upTLI:
		return relationDiverged
	}
	switchPoint, known := lsn(0), false
	for _, id := range upstream {
		if w.log[id].tli == tli {
			switchPoint, known = w.log[id].end, true
		}
	}
	if known && end <= switchPoint {
		return relationAncestor
	}
	return relationDiverged
}
