package cluster

import (
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"testing"
	"time"

	"pgaf/regress/harness"
)

// TestNoStuckState lets one fault follow the other at random moments, in the middle of the recovery from the one before, also
// on several nodes and the monitor at once. When the faults stop, the group becomes healthy by itself, and no acknowledged write is
// lost. PGAF_SEED=n repeats the faults of a run (not their exact moments), PGAF_FAULTS=n makes more of them.
func TestNoStuckState(t *testing.T) { stormOf(t, 2) }

// TestNoStuckStateOfThreeNodes is the same with two standbys, between which an election chooses.
func TestNoStuckStateOfThreeNodes(t *testing.T) { stormOf(t, 3) }

func stormOf(t *testing.T, nodes int) {
	slot(t)
	s := newStory(t, harness.ClusterOptions{})
	s.addNodes(nodes)
	seed := number(t, "PGAF_SEED", uint64(time.Now().UnixNano()%1_000_000))
	faults := number(t, "PGAF_FAULTS", 10)
	t.Logf("seed %d, %d faults", seed, faults)
	c := &chaos{story: s, random: rand.New(rand.NewPCG(seed, 0)), broken: map[*harness.Node]func() error{}}

	writer := s.write(harness.WriterOptions{})
	for range faults {
		c.breakSomething()
		c.pause(3 * time.Second)
		if c.random.IntN(3) > 0 {
			c.mendSomething()
			c.pause(2 * time.Second)
		}
	}
	for len(c.broken) > 0 {
		c.mendSomething()
	}
	s.must(s.Until(s.within(patience), "a healthy group", func(states harness.States) bool {
		for _, primary := range s.Nodes {
			if s.Healthy(primary).Met(states) {
				return true
			}
		}
		return false
	}))
	s.awaitWrites(writer)
	tally, err := writer.Verify(s.soon(), "")
	s.must(err)
	t.Log(tally)
	if err := tally.Err(); err != nil {
		t.Error(err)
	}
}

// number reads a number from the environment.
func number(t *testing.T, variable string, fallback uint64) uint64 {
	t.Helper()
	text := os.Getenv(variable)
	if text == "" {
		return fallback
	}
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		t.Fatalf("%s=%s: %v", variable, text, err)
	}
	return n
}

// chaos breaks and mends the machines of a story.
type chaos struct {
	*story
	random *rand.Rand
	broken map[*harness.Node]func() error // how to mend each broken machine
}

// pause waits up to d.
func (c *chaos) pause(d time.Duration) { <-time.After(time.Duration(c.random.Int64N(int64(d)))) }

// breakSomething breaks one machine that is whole, the monitor less often than a node; or asks for a switchover.
func (c *chaos) breakSomething() {
	c.Helper()
	var whole []*harness.Node
	for _, n := range append(slices.Concat(c.Nodes, c.Nodes), c.Monitor) {
		if c.broken[n] == nil {
			whole = append(whole, n)
		}
	}
	if len(whole) == 0 {
		c.mendSomething()
		return
	}
	n := whole[c.random.IntN(len(whole))]
	what, mend := "", (func() error)(nil)
	var err error
	switch c.random.IntN(6) {
	case 0:
		what, err, mend = "keeper killed", n.KillKeeper(), n.Start
	case 1:
		what, err, mend = "everything killed", n.KillAll(), n.Start
	case 2:
		what, err, mend = "cut", n.Host.Cut(), n.Host.Heal
	case 3:
		what, err, mend = "frozen", n.Freeze(), n.Thaw
	case 4:
		what = "postmaster killed"
		if n.KillPostgres() != nil {
			what = "no postmaster to kill"
		}
	case 5:
		// Refused when the group is not healthy: no fault then.
		if c.broken[c.Monitor] == nil {
			_, _ = c.Monitor.Pgaf(c.within(5*time.Second), "perform", "switchover", "--pgdata", c.Monitor.PGDATA, "--wait", "2")
		}
		what = "switchover"
	}
	c.must(err)
	c.Logf("%s: %s; %s", n.Name, what, c.Watch.States())
	if mend != nil {
		c.broken[n] = mend
	}
}

// mendSomething mends one broken machine.
func (c *chaos) mendSomething() {
	c.Helper()
	for _, n := range append(slices.Clone(c.Nodes), c.Monitor) {
		if mend := c.broken[n]; mend != nil && (len(c.broken) == 1 || c.random.IntN(2) == 0) {
			if err := mend(); err != nil {
				c.Fatal(fmt.Errorf("mend %s: %w", n.Name, err))
			}
			c.Logf("%s: mended", n.Name)
			delete(c.broken, n)
			return
		}
	}
}
