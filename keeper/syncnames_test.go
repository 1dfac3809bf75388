package keeper

import (
	"errors"
	"testing"

	"pgaf/keeper/postgres"
)

// The names that commits wait for are those of the primary that the monitor knows: a node that was replaced and does not
// know it yet is given none.
func TestNamesOfThePrimaryOnly(t *testing.T) {
	_, _, b := newPair(t)
	b.killService()
	paths := b.paths()
	cfg, err := LoadFile(paths.Config)
	if err != nil {
		t.Fatal(err)
	}
	state, err := ReadState(paths.State)
	if err != nil {
		t.Fatal(err)
	}
	bin, err := postgres.FindBin(cfg.PgCtl)
	if err != nil {
		t.Fatal(err)
	}
	n := newNode(paths, cfg, bin, logger(nil))
	defer n.close()
	s, err := newService(n, state)
	if err != nil {
		t.Fatal(err)
	}
	defer s.close()
	s.workers.Go(func() { n.link.run(s.lifetime) })
	if names, err := n.syncNames(t.Context()); !errors.Is(err, errWaiting) {
		t.Errorf("the standby is given %q, %v", names, err)
	}
}
