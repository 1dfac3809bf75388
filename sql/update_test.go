package sql

import (
	"os/exec"
	"testing"
)

// make joins the scripts with sed; the binary must carry the same text.
func TestUpdatesAreWhatMakeBuilds(t *testing.T) {
	if len(Updates()) == 0 {
		t.Fatal("there is no update")
	}
	for name, text := range Updates() {
		build := exec.Command("sh", "-c", `cat *.sql >"$0"/script && sed "/^-- @script@/r $0/script" upgrade/"$1"`, t.TempDir(), name)
		want, err := build.Output()
		if err != nil {
			t.Fatal(err)
		}
		if text != string(want) {
			t.Errorf("%s differs from what make builds", name)
		}
	}
}
