package keeper

import (
	"context"
	"errors"

	"pgaf/keeper/postgres"
	"pgaf/monitor"
)

// Coordinators and workers are created and registered like any other node. What has to
// be said to Citus itself is not part of this version.

const citusExtension = "citus"

// errNeedsCitus is the answer of every transition of a Citus node.
var errNeedsCitus = errors.New("this version of pgaf does not speak to Citus yet")

func isCitus(kind string) bool { return kind == "coordinator" || kind == "worker" }

// formationKind is the kind of formation that a kind of node belongs to.
func formationKind(nodeKind string) string {
	if isCitus(nodeKind) {
		return "citus"
	}
	return "pgsql"
}

func defaultDatabase(nodeKind string) string {
	if isCitus(nodeKind) {
		return "citus"
	}
	return "postgres"
}

// checkCitus refuses a Citus node where Citus is not installed.
func checkCitus(bin postgres.Bin, kind string) error {
	if !isCitus(kind) || bin.HasExtension(citusExtension) {
		return nil
	}
	return exitf(ExitCoordinator, "a %s needs the extension citus, which is not installed for the PostgreSQL %s in %s; install Citus for PostgreSQL %d and repeat the command",
		kind, bin.Version.Text, bin.Dir, bin.Version.Major)
}

// inspectFormationKind refuses a formation of another kind. The monitor gives one that has
// no nodes the kind of its first Citus node.
func (c *creation) inspectFormationKind(ctx context.Context, client *monitor.Client, formation monitor.Formation) error {
	wanted := formationKind(c.cfg.NodeKind)
	if formation.Kind == wanted {
		return nil
	}
	if wanted == "citus" {
		nodes, err := client.Nodes(ctx, formation.ID, nil)
		if err != nil {
			return &ExitError{Code: ExitMonitor, Err: err}
		}
		if len(nodes) == 0 {
			return nil
		}
	}
	return exitf(ExitMonitor, "formation %q is of kind %s and takes no %s; name another one with --formation, made by: pgaf create formation --kind %s",
		formation.ID, formation.Kind, nodeName(c.cfg.NodeKind), wanted)
}

// nodeName is what users call a kind of node: the command that makes it.
func nodeName(kind string) string {
	if isCitus(kind) {
		return kind
	}
	return "node of create postgres"
}
