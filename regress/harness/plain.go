package harness

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// PlainPair is a primary and a synchronous standby without pgaf, operated by hand: what
// the same fault costs at the least on this machine, when somebody knows at once what
// happened and what to do.
type PlainPair struct {
	run              *Run
	dir              string
	primary, standby *plainServer
	client           *Host
	network          *Fabric
}

// plainServer is one Postgres with its host.
type plainServer struct {
	*Machine
	name   string
	port   int
	pgdata string
}

// NewPlainPair creates both servers, streaming, with synchronous replication.
func (r *Run) NewPlainPair(ctx context.Context, name string) (_ *PlainPair, err error) {
	p := &PlainPair{run: r, dir: filepath.Join(r.Dir, name)}
	if err := r.Account.Mkdir(p.dir); err != nil {
		return nil, err
	}
	if p.network, err = NewFabric(); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			_ = p.Close()
		}
	}()
	if p.client, err = p.network.AddHost("client"); err != nil {
		return nil, err
	}
	if p.primary, err = p.addServer("plain_a"); err != nil {
		return nil, err
	}
	if p.standby, err = p.addServer("plain_b"); err != nil {
		return nil, err
	}
	if _, err := p.primary.Run(ctx, "initdb", "--auth=trust", "--no-sync", "--pgdata", p.primary.pgdata); err != nil {
		return nil, err
	}
	settings := `
listen_addresses = '*'
wal_level = replica
wal_log_hints = on
max_wal_senders = 12
max_replication_slots = 12
hot_standby = on
wal_retrieve_retry_interval = '100ms'
unix_socket_directories = ''
`
	if err := appendFile(filepath.Join(p.primary.pgdata, "postgresql.conf"), settings); err != nil {
		return nil, err
	}
	if err := appendFile(filepath.Join(p.primary.pgdata, "pg_hba.conf"), "host all all all trust\nhost replication all all trust\n"); err != nil {
		return nil, err
	}
	if err := p.Start(ctx, p.primary); err != nil {
		return nil, err
	}
	return p, p.Rebuild(ctx)
}

func (p *PlainPair) addServer(name string) (*plainServer, error) {
	host, err := p.network.AddHost(name)
	if err != nil {
		return nil, err
	}
	port, err := p.run.ports.lease(0)
	if err != nil {
		return nil, err
	}
	machine, err := p.run.newMachine(host, filepath.Join(p.dir, name), p.run.Pgaf, p.run.Postgres)
	if err != nil {
		return nil, err
	}
	return &plainServer{Machine: machine, name: name, port: port, pgdata: filepath.Join(machine.Dir, "pgdata")}, nil
}

// Start starts a server and waits until it is ready.
func (p *PlainPair) Start(ctx context.Context, s *plainServer) error {
	log := filepath.Join(s.Dir, "postgres.log")
	_, err := s.Run(ctx, "pg_ctl", "start", "--pgdata", s.pgdata, "--wait", "--silent", "--log", log, "--options", fmt.Sprintf("-p %d", s.port))
	if err != nil {
		return fmt.Errorf("%w\n%s", err, Tail(log, 10))
	}
	return nil
}

func (s *plainServer) uri() string {
	return fmt.Sprintf("%s:%d", s.Host.Address, s.port)
}

// URI reaches whichever of the two is writable.
func (p *PlainPair) URI() string {
	return fmt.Sprintf("postgres://%s@%s,%s/postgres?target_session_attrs=read-write&sslmode=disable", p.run.Account.Name, p.primary.uri(), p.standby.uri())
}

// Primary and Standby are the present roles.
func (p *PlainPair) Primary() *plainServer { return p.primary }

// Standby is the server that Promote will promote.
func (p *PlainPair) Standby() *plainServer { return p.standby }

// StartWriter starts the same client as for a cluster.
func (p *PlainPair) StartWriter(ctx context.Context) (*Writer, error) {
	return StartWriter(ctx, WriterOptions{URI: p.URI(), Dial: p.client.Dial})
}

// sql runs one statement on a server.
func (p *PlainPair) sql(ctx context.Context, s *plainServer, statement string) error {
	uri := fmt.Sprintf("postgres://%s@%s/postgres?sslmode=disable", p.run.Account.Name, s.uri())
	conn, err := connect(ctx, uri, p.client.Dial, 5*time.Second)
	if err != nil {
		return err
	}
	defer closeConnection(conn)
	_, err = conn.Exec(ctx, statement)
	return err
}

// Switch does a planned switchover by hand: checkpoint while clients write, fast stop, promotion.
func (p *PlainPair) Switch(ctx context.Context) error {
	if err := p.sql(ctx, p.primary, "checkpoint"); err != nil {
		return err
	}
	postmaster := postmasterPID(p.primary.pgdata)
	if postmaster == 0 {
		return fmt.Errorf("no Postgres runs on %s", p.primary.name)
	}
	// pg_ctl stop looks every 100 ms only.
	if err := syscall.Kill(postmaster, syscall.SIGINT); err != nil {
		return err
	}
	if err := WaitExit(postmaster, 30*time.Second); err != nil {
		return err
	}
	return p.Promote(ctx)
}

// Kill kills all processes of the primary.
func (p *PlainPair) Kill() error { return KillBelow(p.primary.Dir) }

// Cut makes the primary's network silent.
func (p *PlainPair) Cut() error { return p.primary.Host.Cut() }

// Freeze stops all processes of the primary.
func (p *PlainPair) Freeze() error { return stopBelow(p.primary.Dir) }

// Restart starts the primary again at once after Kill.
func (p *PlainPair) Restart(ctx context.Context) error { return p.Start(ctx, p.primary) }

// Promote promotes the standby, which then needs no standby of its own to commit.
func (p *PlainPair) Promote(ctx context.Context) error {
	// Without waiting: pg_promote looks for its own success every 100 ms only.
	return p.sql(ctx, p.standby, "select pg_promote(wait => false)")
}

// Swap makes the former standby the primary, and the former primary, whatever became
// of it, a fresh standby.
func (p *PlainPair) Swap(ctx context.Context) error {
	p.primary, p.standby = p.standby, p.primary
	if err := KillBelow(p.standby.Dir); err != nil {
		return err
	}
	if err := p.standby.Host.Heal(); err != nil {
		return err
	}
	return p.Rebuild(ctx)
}

// Rebuild copies the primary to the standby and waits until it streams synchronously.
func (p *PlainPair) Rebuild(ctx context.Context) error {
	if err := p.sql(ctx, p.primary, "alter system set synchronous_standby_names = ''"); err != nil {
		return err
	}
	if err := p.sql(ctx, p.primary, "select pg_reload_conf()"); err != nil {
		return err
	}
	if err := os.RemoveAll(p.standby.pgdata); err != nil {
		return err
	}
	from := fmt.Sprintf("host=%s port=%d user=%s application_name=standby sslmode=disable", p.primary.Host.Address, p.primary.port, p.run.Account.Name)
	if _, err := p.standby.Run(ctx, "pg_basebackup", "--dbname", from, "--pgdata", p.standby.pgdata, "--checkpoint=fast", "--wal-method=stream", "--write-recovery-conf", "--no-sync"); err != nil {
		return err
	}
	// --write-recovery-conf keeps the application name of the backup's own connection.
	if err := appendFile(filepath.Join(p.standby.pgdata, "postgresql.auto.conf"), "primary_conninfo = '"+from+"'\nsynchronous_standby_names = ''\n"); err != nil {
		return err
	}
	if err := p.Start(ctx, p.standby); err != nil {
		return err
	}
	if err := p.sql(ctx, p.primary, "alter system set synchronous_standby_names = 'ANY 1 (standby)'"); err != nil {
		return err
	}
	if err := p.sql(ctx, p.primary, "select pg_reload_conf()"); err != nil {
		return err
	}
	// A commit that needs the standby returns when it streams.
	return p.sql(ctx, p.primary, "create table if not exists synchronised (at timestamptz); insert into synchronised values (now())")
}

// Close kills both servers.
func (p *PlainPair) Close() error {
	err := KillBelow(p.dir)
	p.network.Close()
	return err
}

func appendFile(path, text string) error {
	f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	if _, err := f.WriteString(strings.TrimPrefix(text, "\n")); err != nil {
		f.Close()
		return err
	}
	return f.Close()
}
