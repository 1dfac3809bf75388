package harness

import (
	"slices"
	"testing"
	"time"
)

var epoch = time.Unix(0, 0)

func milliseconds(n int64) time.Duration { return time.Duration(n) * time.Millisecond }

func TestPromotionsCountsEachFailoverOnce(t *testing.T) {
	events := []Event{
		{Node: "node_a", Assigned: "draining"},
		{Node: "node_b", Assigned: "prepare_promotion"},
		{Node: "node_b", Assigned: "prepare_promotion"}, // its report of the same goal
		{Node: "node_b", Assigned: "wait_primary"},
		{Node: "node_a", Assigned: "secondary"},
		{Node: "node_a", Assigned: "prepare_promotion"},
		{Node: "node_a", Assigned: "primary"},
		{Node: "node_b", Assigned: "secondary"},
		{Node: "node_b", Assigned: "prepare_promotion"},
	}
	if got, want := Promotions(events), []string{"node_b", "node_a", "node_b"}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestWithUserNamesTheUserOnce(t *testing.T) {
	for _, test := range []struct{ uri, want string }{
		{"postgres://10.0.0.1:1,10.0.0.2:2/db?sslmode=prefer", "postgres://me@10.0.0.1:1,10.0.0.2:2/db?sslmode=prefer"},
		{"postgres://other@10.0.0.1:1/db", "postgres://other@10.0.0.1:1/db"},
	} {
		if got, err := withUser(test.uri, "me"); err != nil || got != test.want {
			t.Errorf("withUser(%s) = %s, %v; want %s", test.uri, got, err, test.want)
		}
	}
	if got, err := withUser("host=10.0.0.1", "me"); err == nil {
		t.Errorf("withUser of a keyword string = %s, want an error", got)
	}
}

func TestLargestGapLooksAtGapsThatEndLater(t *testing.T) {
	w := &Writer{}
	at := func(ms int64) Acknowledged { return Acknowledged{At: epoch.Add(milliseconds(ms))} }
	w.acknowledged = []Acknowledged{at(0), at(5), at(505), at(510), at(700)}
	if got := w.LargestGap(epoch); got.Length() != milliseconds(500) {
		t.Errorf("of all: %s", got)
	}
	if got := w.LargestGap(epoch.Add(milliseconds(505))); got.Length() != milliseconds(190) {
		t.Errorf("after the first large one: %s", got)
	}
	if got := w.Acknowledged(epoch.Add(milliseconds(505))); len(got) != 2 {
		t.Errorf("acknowledged after 505 ms: %d, want 2", len(got))
	}
}
