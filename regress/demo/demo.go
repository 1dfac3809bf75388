package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"pgaf/regress/harness"
)

// ports are wanted for the monitor and the two nodes; the next free ones are taken when
// they are in use.
var ports = []int{7600, 7610, 7611}

// patience is when a step has failed for good.
const patience = time.Minute

// calm is how long the client writes undisturbed before and after each story, to show that it does.
const calm = 2 * time.Second

// demo tells the story. On failure it ends the cluster, but leaves its logs.
func demo(ctx context.Context) (err error) {
	d := &teller{started: time.Now()}
	if err := clean(); err != nil {
		return err
	}
	run, err := harness.NewRun()
	if err != nil {
		return err
	}
	defer run.Close()
	folder, err := createFolder(run.Repo, run.Account)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = fmt.Errorf("%w\nthe logs are in %s; make demo-clean removes them", err, folder)
			_ = harness.KillBelow(folder)
		}
	}()
	pgaf, err := installBinary(run, folder)
	if err != nil {
		return err
	}
	postgres, err := harness.InstalledPostgres(ctx)
	if err != nil {
		return err
	}

	fmt.Println("pgaf demo: a monitor and two PostgreSQL nodes on this machine, and a client that writes all the time")
	fmt.Println()
	d.says("create and run the monitor")
	limited, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	c, err := run.NewCluster(limited, "", harness.ClusterOptions{Network: harness.Loopback{}, Folder: folder, Pgaf: pgaf, Postgres: postgres, Ports: ports})
	if err != nil {
		return err
	}
	d.Cluster = c
	d.says("create and run node_a, the first node")
	if err := c.AddNodes(limited, 1); err != nil {
		return err
	}
	d.says("create and run node_b: it copies node_a and becomes its synchronous standby")
	if err := c.AddNodes(limited, 1); err != nil {
		return err
	}
	d.table()

	d.says("a client inserts one row after another, 5 ms apart, wherever the primary is")
	writer, err := c.StartWriter(limited, harness.WriterOptions{})
	if err != nil {
		return err
	}
	defer writer.Stop()
	time.Sleep(calm)

	planned, err := d.switchover(ctx, writer)
	if err != nil {
		return err
	}
	time.Sleep(calm)
	killed, err := d.kill(ctx, writer)
	if err != nil {
		return err
	}
	time.Sleep(calm)

	tally, err := writer.Verify(ctx, "")
	if err != nil {
		return err
	}
	fmt.Println()
	fmt.Println("Largest gap between two acknowledged writes, as the client saw it:")
	fmt.Printf("  planned switchover                      %6d ms\n", planned.Length().Milliseconds())
	fmt.Printf("  SIGKILL of the primary and its keeper   %6d ms\n", killed.Length().Milliseconds())
	fmt.Printf("%d writes acknowledged, each looked up on the primary: %d acknowledged writes lost\n", tally.Acknowledged, len(tally.Lost))
	if err := tally.Err(); err != nil {
		return err
	}
	d.farewell(folder)
	c.Detach()
	return nil
}

// installBinary copies pgaf to the demo's folder, where the account reaches it whatever the
// modes in the source tree are.
func installBinary(run *harness.Run, folder string) (string, error) {
	pgaf := filepath.Join(folder, "bin", "pgaf")
	if err := run.Account.Mkdir(filepath.Dir(pgaf)); err != nil {
		return "", err
	}
	built := filepath.Join(run.Repo, "bin", "pgaf")
	if err := harness.CopyFile(built, pgaf, 0o755); err != nil {
		return "", fmt.Errorf("%w; make build first", err)
	}
	return pgaf, os.Chmod(filepath.Dir(pgaf), 0o755)
}

// teller prints what happens with the time since the start.
type teller struct {
	*harness.Cluster
	started time.Time
}

func (d *teller) says(format string, args ...any) {
	fmt.Printf("%5.1f s  %s\n", time.Since(d.started).Seconds(), fmt.Sprintf(format, args...))
}

// table prints the states of the group, indented.
func (d *teller) table() {
	fmt.Println(indent(d.Watch.States().Table()))
}

func indent(text string) string {
	return "         " + strings.ReplaceAll(strings.TrimRight(text, "\n"), "\n", "\n         ")
}

// switchover asks for a planned switchover to node_b, and waits until all is well again.
func (d *teller) switchover(ctx context.Context, writer *harness.Writer) (harness.Gap, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	d.says("planned switchover: pgaf perform switchover")
	before := time.Now()
	table, err := d.Monitor.Pgaf(ctx, "perform", "switchover", "--pgdata", d.Monitor.PGDATA)
	if err != nil {
		return harness.Gap{}, err
	}
	fmt.Println(indent(table))
	if err := d.settled(ctx, writer, d.Nodes[1]); err != nil {
		return harness.Gap{}, err
	}
	gap := writer.LargestGap(before)
	d.says("node_b is the primary, node_a its standby; the client's largest gap: %s", gap)
	return gap, nil
}

// kill kills every process of node_b, shows the failover, and starts node_b's keeper again, as
// systemd would.
func (d *teller) kill(ctx context.Context, writer *harness.Writer) (harness.Gap, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	d.says("SIGKILL of the primary: keeper and Postgres of node_b")
	before := time.Now()
	if err := d.Nodes[1].KillAll(); err != nil {
		return harness.Gap{}, err
	}
	if err := d.WaitStates(ctx, harness.Want{"node_a": "wait_primary"}); err != nil {
		return harness.Gap{}, err
	}
	if err := writer.WaitAcknowledged(ctx); err != nil {
		return harness.Gap{}, err
	}
	gap := writer.LargestGap(before)
	d.says("node_a has taken over; the client's largest gap: %s", gap)
	d.table()
	d.says("start node_b's keeper again: it rewinds its Postgres and rejoins")
	if err := d.Nodes[1].Start(); err != nil {
		return harness.Gap{}, err
	}
	if err := d.settled(ctx, writer, d.Nodes[0]); err != nil {
		return harness.Gap{}, err
	}
	d.says("node_b is a synchronous standby")
	d.table()
	return gap, nil
}

// settled waits until one node is the primary, the other its standby, and the client writes.
func (d *teller) settled(ctx context.Context, writer *harness.Writer, primary *harness.Node) error {
	if err := d.WaitStates(ctx, d.Healthy(primary)); err != nil {
		return err
	}
	return writer.WaitAcknowledged(ctx)
}

// farewell tells what to do with the cluster that is left.
func (d *teller) farewell(folder string) {
	uri, err := d.URI(context.Background())
	if err != nil {
		uri = err.Error()
	}
	monitor := "'" + d.MonitorURI() + "'"
	fmt.Printf(`
The cluster is still running (processes and logs in %s). Look around:
  watch it           bin/pgaf watch --monitor %s
  its states         bin/pgaf show state --monitor %s
  what happened      bin/pgaf show events --monitor %s
  connect to it      psql '%s'
  switch over again  bin/pgaf perform switchover --monitor %s
  remove it          make demo-clean
`, folder, monitor, monitor, monitor, uri, monitor)
}
