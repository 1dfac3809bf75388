package harness

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// Network is where the hosts of one cluster live.
type Network interface {
	// AddHost gives a machine with an address of its own.
	AddHost(name string) (*Host, error)
	// Close gives up the namespaces; the kernel removes each with its last process.
	Close()
}

// Host is one machine: its address, and how to do something there.
type Host struct {
	Name      string
	Address   string
	namespace *namespace // nil: this machine itself
	fabric    *Fabric
	port      string // the switch's end of the cable
}

// start starts a process on the host.
func (h *Host) start(cmd *exec.Cmd) error {
	if h.namespace == nil {
		return cmd.Start()
	}
	return h.namespace.start(cmd)
}

// inNetwork calls f on a thread that is in the host's network: sockets that f opens
// belong there.
func (h *Host) inNetwork(f func() error) error {
	if h.namespace == nil {
		return f()
	}
	return h.namespace.do(f)
}

// Dial opens a connection from the host; it fits pgconn.Config.DialFunc.
func (h *Host) Dial(ctx context.Context, network, address string) (conn net.Conn, err error) {
	err = h.inNetwork(func() error {
		var dialer net.Dialer
		conn, err = dialer.DialContext(ctx, network, address)
		return err
	})
	return conn, err
}

// Loopback is this machine without any namespace: all hosts are 127.0.0.1.
type Loopback struct{}

// AddHost gives 127.0.0.1 another name.
func (Loopback) AddHost(name string) (*Host, error) {
	return &Host{Name: name, Address: "127.0.0.1"}, nil
}

// Close does nothing.
func (Loopback) Close() {}

// Fabric is a switch with one cable to each host: a bridge in one network
// namespace, a virtual ethernet pair to each of the others.
type Fabric struct {
	bridge *namespace
	hosts  []*Host
	all    []*namespace
}

// NewFabric creates the switch. It fails with the kernel's reason where this user may not
// create network namespaces.
func NewFabric() (*Fabric, error) {
	if err := namespacesAllowed(); err != nil {
		return nil, err
	}
	f := &Fabric{}
	ns, err := f.newNamespace()
	if err != nil {
		return nil, err
	}
	f.bridge = ns
	if err := ns.ip("link add br0 type bridge", "link set br0 up"); err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

func (f *Fabric) newNamespace() (*namespace, error) {
	ns, err := newNamespace()
	if err != nil {
		return nil, err
	}
	f.all = append(f.all, ns)
	return ns, nil
}

// AddHost plugs in a machine with the next address of 10.77.0.0/24. Every host
// knows every other's hardware address for good, so that a cut is silent: nobody
// gets a "no route to host" from a neighbour that does not answer ARP.
func (f *Fabric) AddHost(name string) (*Host, error) {
	ns, err := f.newNamespace()
	if err != nil {
		return nil, err
	}
	n := len(f.hosts) + 1
	host := &Host{Name: name, Address: fmt.Sprintf("10.77.0.%d", n), namespace: ns, fabric: f, port: fmt.Sprintf("port%d", n)}
	if err := f.bridge.ip(
		fmt.Sprintf("link add %s type veth peer name eth0 address %s netns %s", host.port, hardwareAddress(n), ns.path()),
		fmt.Sprintf("link set %s master br0 up", host.port),
	); err != nil {
		return nil, err
	}
	setup := []string{"link set lo up", fmt.Sprintf("addr add %s/24 dev eth0", host.Address), "link set eth0 up"}
	for i, other := range f.hosts {
		setup = append(setup, neighbour(other.Address, i+1))
		if err := other.namespace.ip(neighbour(host.Address, n)); err != nil {
			return nil, err
		}
	}
	if err := ns.ip(setup...); err != nil {
		return nil, err
	}
	f.hosts = append(f.hosts, host)
	return host, nil
}

func hardwareAddress(n int) string { return fmt.Sprintf("02:00:00:00:00:%02x", n) }

func neighbour(address string, n int) string {
	return fmt.Sprintf("neigh replace %s lladdr %s dev eth0 nud permanent", address, hardwareAddress(n))
}

// NameHosts lets every host look up all hosts by name, both ways, in an /etc/hosts of their own: one in folder.
func (f *Fabric) NameHosts(folder string) error {
	var names strings.Builder
	names.WriteString("127.0.0.1 localhost\n")
	for _, h := range f.hosts {
		fmt.Fprintf(&names, "%s %s\n", h.Address, h.Name)
	}
	file := filepath.Join(folder, "hosts")
	if err := os.WriteFile(file, []byte(names.String()), 0o644); err != nil {
		return err
	}
	for _, h := range f.hosts {
		if err := h.namespace.mountFile(file, "/etc/hosts"); err != nil {
			return err
		}
	}
	return nil
}

// Cut pulls the host's cable out of the switch. Its interface stays up, nobody is told:
// packets in both directions just vanish.
func (h *Host) Cut() error {
	if h.fabric == nil {
		return fmt.Errorf("host %s has no cable to cut", h.Name)
	}
	return h.fabric.bridge.ip(fmt.Sprintf("link set %s nomaster", h.port))
}

// Heal plugs the cable in again.
func (h *Host) Heal() error {
	return h.fabric.bridge.ip(fmt.Sprintf("link set %s master br0", h.port))
}

// Close gives up the switch and all hosts.
func (f *Fabric) Close() {
	for _, ns := range f.all {
		ns.close()
	}
	f.all = nil
}

// NewIsolatedHost is a machine with nothing but its own loopback, where any port is free.
func NewIsolatedHost(name string) (*Host, error) {
	if err := namespacesAllowed(); err != nil {
		return nil, err
	}
	ns, err := newNamespace()
	if err != nil {
		return nil, err
	}
	if err := ns.ip("link set lo up"); err != nil {
		ns.close()
		return nil, err
	}
	return &Host{Name: name, Address: "127.0.0.1", namespace: ns}, nil
}

// Close gives up an isolated host's namespaces.
func (h *Host) Close() {
	if h.namespace != nil && h.fabric == nil {
		h.namespace.close()
	}
}
