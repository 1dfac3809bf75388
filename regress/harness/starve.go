package harness

import (
	"runtime"
	"time"
)

// starveFactor is how many competing processes each core gets.
const starveFactor = 4

// Starve keeps every core of this machine busy with processes that do nothing else.
func (r *Run) Starve(duration time.Duration) error {
	machine, err := r.NewMachine(&Host{Name: "starve"}, "starve")
	if err != nil {
		return err
	}
	defer machine.remove()
	for range starveFactor * runtime.NumCPU() {
		if _, err := machine.Spawn("/dev/null", "sh", "-c", "while :; do :; done"); err != nil {
			return err
		}
	}
	time.Sleep(duration)
	return machine.KillAll()
}
