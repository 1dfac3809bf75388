package keeper

import (
	"context"
	"fmt"
	"net"
	"os"
	"strings"
	"time"

	"pgaf/monitor"
)

// How a machine is called by the others, when nobody says so.

// nodeHostname is the name, or else the address, of the interface that leads to the
// monitor.
func nodeHostname(ctx context.Context, monitorURI string) (string, error) {
	config, err := monitor.ParseURI(monitorURI)
	if err != nil {
		return "", err
	}
	if strings.HasPrefix(config.Host, "/") {
		return localName(ctx)
	}
	ip, err := sourceAddress(ctx, config.Host, int(config.Port))
	if err != nil {
		return "", exitf(ExitBadArgs, "find the address of this machine: %w; pass --hostname", err)
	}
	if name := nameOf(ctx, ip); name != "" {
		return name, nil
	}
	return ip.String(), nil
}

// localName is for a monitor, whose clients are not known yet: the machine's own
// name where it leads to an address of this machine, else the address that leads
// out of it.
func localName(ctx context.Context) (string, error) {
	if name, err := os.Hostname(); err == nil && isLocal(ctx, name) {
		return name, nil
	}
	ip, err := sourceAddress(ctx, "8.8.8.8", 53)
	if err != nil {
		return "", exitf(ExitBadArgs, "find a name or address by which other machines reach this one: %w; pass --hostname", err)
	}
	if name := nameOf(ctx, ip); name != "" {
		return name, nil
	}
	return ip.String(), nil
}

// sourceAddress is the local address of the route to a host. Nothing is sent.
func sourceAddress(ctx context.Context, host string, port int) (net.IP, error) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	var dialer net.Dialer
	conn, err := dialer.DialContext(ctx, "udp", net.JoinHostPort(host, fmt.Sprint(port)))
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	return conn.LocalAddr().(*net.UDPAddr).IP, nil
}

// nameOf is the name of a local address, when the name leads back to this machine.
func nameOf(ctx context.Context, ip net.IP) string {
	ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	names, err := net.DefaultResolver.LookupAddr(ctx, ip.String())
	if err != nil {
		return ""
	}
	for _, name := range names {
		if name = strings.TrimSuffix(name, "."); isLocal(ctx, name) {
			return name
		}
	}
	return ""
}

// isLocal says whether host leads to an address of this machine.
func isLocal(ctx context.Context, host string) bool {
	addresses, err := net.DefaultResolver.LookupIPAddr(ctx, host)
	if err != nil {
		return false
	}
	locals, err := net.InterfaceAddrs()
	if err != nil {
		return false
	}
	for _, address := range addresses {
		for _, local := range locals {
			if network, ok := local.(*net.IPNet); ok && network.IP.Equal(address.IP) {
				return true
			}
		}
	}
	return false
}

// hostnameWarning says what is odd about a host name that the operator chose; it is
// taken all the same.
func hostnameWarning(ctx context.Context, host string) string {
	ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	if isLocal(ctx, host) {
		return ""
	}
	return fmt.Sprintf("--hostname %s does not lead to an address of this machine, as seen from here; the other nodes must be able to reach it", host)
}
