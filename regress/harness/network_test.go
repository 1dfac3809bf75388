package harness

import (
	"bufio"
	"context"
	"errors"
	"net"
	"os"
	"testing"
	"time"
)

func TestMain(m *testing.M) { os.Exit(Main(Namespaces, m.Run)) }

// newFabric fails the test with the kernel's reason where namespaces are impossible.
func newFabric(t *testing.T) *Fabric {
	t.Helper()
	f, err := NewFabric()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(f.Close)
	return f
}

func TestACutIsSilentAndHeals(t *testing.T) {
	f := newFabric(t)
	a, err := f.AddHost("a")
	if err != nil {
		t.Fatal(err)
	}
	b, err := f.AddHost("b")
	if err != nil {
		t.Fatal(err)
	}
	var listener net.Listener
	if err := b.inNetwork(func() (err error) {
		listener, err = net.Listen("tcp", net.JoinHostPort(b.Address, "7600"))
		return err
	}); err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				lines := bufio.NewScanner(conn)
				for lines.Scan() {
					if _, err := conn.Write(append(lines.Bytes(), '\n')); err != nil {
						return
					}
				}
			}()
		}
	}()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	conn, err := a.Dial(ctx, "tcp", listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	reader := bufio.NewReader(conn)
	echo := func(within time.Duration) error {
		if err := conn.SetDeadline(time.Now().Add(within)); err != nil {
			return err
		}
		if _, err := conn.Write([]byte("hello\n")); err != nil {
			return err
		}
		_, err := reader.ReadString('\n')
		return err
	}
	if err := echo(5 * time.Second); err != nil {
		t.Fatalf("before the cut: %v", err)
	}
	if err := a.Cut(); err != nil {
		t.Fatal(err)
	}
	err = echo(300 * time.Millisecond)
	if netErr, ok := err.(net.Error); !ok || !netErr.Timeout() {
		t.Errorf("after the cut: got %v, want a timeout", err)
	}
	short, stop := context.WithTimeout(ctx, 300*time.Millisecond)
	defer stop()
	if c, err := a.Dial(short, "tcp", listener.Addr().String()); err == nil {
		c.Close()
		t.Error("a new connection passes the cut")
	} else if netErr, ok := errors.AsType[net.Error](err); !ok || !netErr.Timeout() {
		t.Errorf("a new connection fails with %v, want silence", err)
	}
	if err := a.Heal(); err != nil {
		t.Fatal(err)
	}
	if err := echo(10 * time.Second); err != nil {
		t.Errorf("after healing: %v", err)
	}
}
