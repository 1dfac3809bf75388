package postgres

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const controlText = `pg_control version number:            1300
Catalog version number:               202209061
Database system identifier:           18446744073709551615
Database cluster state:               shut down in recovery
pg_control last modified:             Sat Nov 21 04:15:49 2026
Latest checkpoint location:           1/511A88
Latest checkpoint's REDO location:    1/511A50
Latest checkpoint's REDO WAL file:    000000020000000100000000
Latest checkpoint's TimeLineID:       2
Latest checkpoint's PrevTimeLineID:   1
Latest checkpoint's oldestCommitTsXid:0
Time of latest checkpoint:            Sat Nov 21 04:15:49 2026
Minimum recovery ending location:     1/600000
Min recovery ending loc's timeline:   2
wal_level setting:                    replica
wal_log_hints setting:                on
max_connections setting:              100
max_worker_processes setting:         8
max_wal_senders setting:              12
max_prepared_xacts setting:           0
max_locks_per_xact setting:           64
Bytes per WAL segment:                16777216
Data page checksum version:           1
`

func TestParseControlData(t *testing.T) {
	got, err := ParseControlData(controlText)
	if err != nil {
		t.Fatal(err)
	}
	want := ControlData{
		State: StateShutDownInRecovery, SystemIdentifier: 1<<64 - 1, ControlVersion: 1300, CatalogVersion: 202209061,
		CheckpointLSN: 1<<32 + 0x511A88, RedoLSN: 1<<32 + 0x511A50, Timeline: 2, PrevTimeline: 1,
		MinRecoveryEnd: 1<<32 + 0x600000, MinRecoveryEndTLI: 2,
		WALLevel: "replica", WALLogHints: true, DataChecksums: true, WALSegmentSize: 16 << 20,
		Least: [5]int{100, 8, 12, 0, 64},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatal(diff)
	}
	for name, text := range map[string]string{
		"corrupt":     "WARNING: Calculated CRC checksum does not match value stored in file.\n" + controlText,
		"cut":         controlText[:300],
		"bad LSN":     strings.Replace(controlText, "1/511A88", "x", 1),
		"bad number":  strings.Replace(controlText, "1300", "many", 1),
		"not English": strings.Replace(controlText, "Database cluster state", "Datenbank-Cluster-Status", 1),
	} {
		if _, err := ParseControlData(text); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}
