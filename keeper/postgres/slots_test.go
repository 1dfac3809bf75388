package postgres

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestPlanSlots(t *testing.T) {
	wanted := []SlotWanted{{SlotName(1), 0}, {SlotName(2), 200}}
	for _, test := range []struct {
		name       string
		slots      []slot
		inRecovery bool
		want       slotPlan
	}{
		{"nothing there", nil, false, slotPlan{create: []string{SlotName(1), SlotName(2)}}},
		{"all there", []slot{{name: SlotName(1), restartLSN: 50}, {name: SlotName(2), restartLSN: 50}}, false, slotPlan{}},
		{"a standby moves on whose position is known", []slot{{name: SlotName(1), restartLSN: 50}, {name: SlotName(2), restartLSN: 50}}, true,
			slotPlan{advance: []SlotWanted{{SlotName(2), 200}}}},
		{"never back", []slot{{name: SlotName(1), restartLSN: 50}, {name: SlotName(2), restartLSN: 300}}, true, slotPlan{}},
		{"one in use is left alone", []slot{{name: SlotName(1), active: true, restartLSN: 50}, {name: SlotName(2), active: true, restartLSN: 50}}, true, slotPlan{}},
		{"a lost one is made anew", []slot{{name: SlotName(1), restartLSN: 50}, {name: SlotName(2), lost: true}}, false,
			slotPlan{drop: []string{SlotName(2)}, create: []string{SlotName(2)}, lost: []string{SlotName(2)}}},
		{"of a node that is gone", []slot{{name: SlotName(1)}, {name: SlotName(2)}, {name: SlotName(3)}, {name: SlotName(4), active: true}}, false,
			slotPlan{drop: []string{SlotName(3)}}},
		{"an operator's own slot is not ours", []slot{{name: SlotName(1)}, {name: SlotName(2)}, {name: "barman"}, {name: "wal_archive", lost: true}}, false, slotPlan{}},
	} {
		got := planSlots(test.slots, wanted, test.inRecovery)
		if diff := cmp.Diff(test.want, got, cmp.AllowUnexported(slotPlan{})); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.name, diff)
		}
	}
}

// A slot whose WAL was removed protects nobody. It is recognised and made anew.
func TestLostSlotIsMadeAnew(t *testing.T) {
	primary := newPrimary(t)
	ctx := within(t, time.Minute)
	wanted := []SlotWanted{{Name: SlotName(2)}}
	_, err := primary.EnsureSlots(ctx, wanted, false)
	primary.must(err)
	primary.exec("alter system set max_slot_wal_keep_size = '1MB'")
	primary.exec("alter system set wal_keep_size = 0")
	primary.exec("select pg_reload_conf()")
	primary.must(askUntil(ctx, func() (bool, error) {
		primary.exec("select pg_logical_emit_message(false, 'filler', repeat('x', 1000000))")
		primary.exec("select pg_switch_wal()")
		primary.exec("checkpoint")
		return primary.text("select wal_status from pg_replication_slots") == "lost", nil
	}))
	changes, err := primary.EnsureSlots(ctx, wanted, false)
	primary.must(err)
	if diff := cmp.Diff(SlotChanges{Created: []string{SlotName(2)}, Lost: []string{SlotName(2)}}, changes); diff != "" {
		t.Errorf("changes (-want +got):\n%s", diff)
	}
	if status := primary.text("select wal_status from pg_replication_slots"); status != "reserved" {
		t.Errorf("the new slot is %s", status)
	}
	changes, err = primary.EnsureSlots(ctx, wanted, false)
	primary.must(err)
	if diff := cmp.Diff(SlotChanges{}, changes); diff != "" {
		t.Errorf("changed again (-want +got):\n%s", diff)
	}
}
