package monitor

import (
	"context"
	"fmt"
	"net"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
)

// How the service logs in to the nodes. The keepers create that role and let it in.
const (
	checkUser        = "pgautofailover_monitor"
	checkPassword    = "pgautofailover_monitor"
	checkDatabase    = "postgres"
	checkApplication = "pgautofailover_health_check"
)

// checkConfig is how to connect to one node. PG* variables of the service's
// own environment have no part in it.
func checkConfig(host string, port int) (*pgconn.Config, error) {
	quoted := strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(host)
	config, err := pgconn.ParseConfig(fmt.Sprintf(
		"host='%s' port=%d user=%s password=%s dbname=%s sslmode=prefer target_session_attrs=any",
		quoted, port, checkUser, checkPassword, checkDatabase))
	if err != nil {
		return nil, err
	}
	config.RuntimeParams = map[string]string{"application_name": checkApplication}
	config.ConnectTimeout = 0 // the look has a deadline of its own
	config.DialFunc = (&net.Dialer{}).DialContext
	config.LookupFunc = (&resolver{lookup: config.LookupFunc}).LookupHost
	return config, nil
}

// resolver remembers the addresses of one host, for the time when names cannot
// be resolved: that must not look like a dead node.
type resolver struct {
	lookup    pgconn.LookupFunc
	addresses []string
}

// LookupHost resolves host, or returns what it resolved to last.
func (r *resolver) LookupHost(ctx context.Context, host string) ([]string, error) {
	found, err := r.lookup(ctx, host)
	if err == nil {
		r.addresses = found
		return found, nil
	}
	if len(r.addresses) > 0 {
		return r.addresses, nil
	}
	return nil, err
}
