package keeper

import (
	"context"
	"net"
	"slices"
	"strings"
	"time"

	"pgaf/keeper/postgres"
)

// What this machine can say about its names and addresses, for people who ask why a
// node is registered, or a rule written, as it is.

// lookupPatience bounds the questions to a name server.
const lookupPatience = 5 * time.Second

// LocalAddress is the address with which this machine reaches others.
func LocalAddress(ctx context.Context) (net.IP, error) {
	ip, err := sourceAddress(ctx, "8.8.8.8", 53)
	if err != nil {
		return nil, exitf(ExitInternal, "find the address of this machine: %w; is there a route to other machines?", err)
	}
	return ip, nil
}

// LocalNetwork is the network of that address, such as 10.0.0.0/24.
func LocalNetwork(ctx context.Context) (string, error) {
	ip, err := LocalAddress(ctx)
	if err != nil {
		return "", err
	}
	network, err := postgres.LocalCIDR(ip)
	if err != nil {
		return "", exitf(ExitInternal, "find the local network: %w", err)
	}
	return network, nil
}

// LocalName is the name, or else the address, that a node of this machine gets when
// nobody names it.
func LocalName(ctx context.Context) (string, error) { return localName(ctx) }

// Lookup lists the addresses of a host name.
func Lookup(ctx context.Context, host string) ([]net.IP, error) {
	ctx, cancel := context.WithTimeout(ctx, lookupPatience)
	defer cancel()
	found, err := net.DefaultResolver.LookupIPAddr(ctx, host)
	if err != nil {
		return nil, exitf(ExitInternal, "look up %s: %w; name a host that DNS or /etc/hosts knows", host, err)
	}
	var addresses []net.IP
	for _, address := range found {
		addresses = append(addresses, address.IP)
	}
	return addresses, nil
}

// ReverseAddress is an address of a host with the names that it leads to.
type ReverseAddress struct {
	IP        net.IP
	Names     []string
	LeadsBack bool // one of them is the host
}

// Reverse looks a host name up in both directions, as Postgres does for a name in
// pg_hba.conf.
func Reverse(ctx context.Context, host string) ([]ReverseAddress, error) {
	addresses, err := Lookup(ctx, host)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, lookupPatience)
	defer cancel()
	var list []ReverseAddress
	for _, ip := range addresses {
		address := ReverseAddress{IP: ip}
		// An address without a name is an answer.
		names, _ := net.DefaultResolver.LookupAddr(ctx, ip.String())
		for _, name := range names {
			address.Names = append(address.Names, strings.TrimSuffix(name, "."))
		}
		address.LeadsBack = slices.ContainsFunc(address.Names, func(name string) bool { return strings.EqualFold(name, strings.TrimSuffix(host, ".")) })
		list = append(list, address)
	}
	return list, nil
}
