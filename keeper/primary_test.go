package keeper

import "testing"

func TestSyncNumber(t *testing.T) {
	for names, want := range map[string]int{
		"ANY 1 (pgautofailover_standby_2)": 1, "ANY 2 (a, b, c)": 2, "any 3(a,b,c)": 3, "FIRST 2 (a, b)": 2, "2 (a, b)": 2, "a, b": 1, "*": 1,
	} {
		if got := syncNumber(names); got != want {
			t.Errorf("%q: %d, want %d", names, got, want)
		}
	}
}
