package main

import (
	"context"
	"fmt"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"time"
)

// cell is one monitor with so many nodes and clients.
type cell struct {
	nodes, clients int
	perSecond      float64
	cpu            time.Duration // of backends, per call
	walBytes       float64       // per call
	versions       float64       // row versions of table node, per call
	inPlace        float64       // of those, share that no index had to learn of
	dead           float64       // left behind, per call
	others         float64       // share of the machine's CPU time that went elsewhere meanwhile
}

var (
	processed = regexp.MustCompile(`number of transactions actually processed: (\d+)`)
	failed    = regexp.MustCompile(`number of failed transactions: (\d+)`)
	rate      = regexp.MustCompile(`tps = ([0-9.]+) \(without initial connection time\)`)
)

// heartbeats measures all cells: for each number of nodes and clients one monitor after the other, so that both
// see the same neighbours on the machine.
func heartbeats(ctx context.Context, p plan, subjects []*subject, v *verdicts) error {
	fmt.Printf("Unchanged heartbeats, groups of two, pgbench -M prepared on the same machine, %s per cell\n\n", p.cell)
	printHeartbeatHeader(subjects)
	cells := make([][]cell, len(subjects))
	for _, nodes := range p.nodes {
		if err := buildPairs(ctx, subjects, nodes); err != nil {
			return err
		}
		for _, b := range subjects {
			if err := b.measureOpening(ctx, nodes); err != nil {
				return err
			}
		}
		for _, clients := range p.clients {
			row := make([]cell, len(subjects))
			for i, b := range subjects {
				c, err := b.heartbeats(ctx, nodes, clients, p.cell)
				if err != nil {
					return fmt.Errorf("%s: heartbeats of %d nodes by %d clients: %w", b.name, nodes, clients, err)
				}
				row[i] = c
				cells[i] = append(cells[i], c)
			}
			printHeartbeats(row)
		}
	}
	printOthers()
	printTraces(subjects, cells)
	v.heartbeats(cells[0])
	return nil
}

// measureOpening takes the CPU of a session with a single heartbeat: connection, caches, plans. It is not part of
// what the further calls cost.
func (b *subject) measureOpening(ctx context.Context, nodes int) error {
	const sessions = 8
	if err := b.refresh(ctx); err != nil {
		return err
	}
	cpu, err := b.cpuOf(ctx, func() error {
		_, err := b.pgbench(ctx, b.heartbeat, nodes, sessions, "--transactions", "1")
		return err
	})
	b.opening = cpu / sessions
	return err
}

// heartbeats measures one cell.
func (b *subject) heartbeats(ctx context.Context, nodes, clients int, length time.Duration) (cell, error) {
	c := cell{nodes: nodes, clients: clients}
	if err := b.refresh(ctx); err != nil {
		return c, err
	}
	events, err := b.events(ctx)
	if err != nil {
		return c, err
	}
	before, err := b.traces(ctx)
	if err != nil {
		return c, err
	}
	start, machine, own := time.Now(), time.Duration(0), ownCPU()
	if machine, err = machineCPU(); err != nil {
		return c, err
	}
	var out string
	cpu, err := b.cpuOf(ctx, func() (err error) {
		out, err = b.pgbench(ctx, b.heartbeat, nodes, clients, "--time", strconv.Itoa(int(length.Seconds())))
		return err
	})
	if err != nil {
		return c, err
	}
	machineNow, err := machineCPU()
	if err != nil {
		return c, err
	}
	c.others = (machineNow - machine - (ownCPU() - own) - cpu).Seconds() / time.Since(start).Seconds() / float64(runtime.NumCPU())
	after, err := b.traces(ctx)
	if err != nil {
		return c, err
	}
	if err := b.undisturbed(ctx, events); err != nil {
		return c, err
	}
	calls, err := readNumber(processed, out)
	if err != nil {
		return c, err
	}
	if lost, err := readNumber(failed, out); err != nil || lost > 0 {
		return c, fmt.Errorf("failed calls:\n%s", out)
	}
	if c.perSecond, err = readNumber(rate, out); err != nil {
		return c, err
	}
	c.cpu = time.Duration(float64(cpu-time.Duration(clients)*b.opening) / max(1, calls-float64(clients)))
	c.walBytes = float64(after.wal-before.wal) / calls
	c.versions = float64(after.updated-before.updated) / calls
	c.inPlace = float64(after.hot-before.hot) / float64(max(1, after.updated-before.updated))
	c.dead = float64(max(0, after.dead-before.dead)) / calls
	return c, nil
}

// traces are what calls leave behind.
type traces struct{ wal, updated, hot, dead int64 }

func (b *subject) traces(ctx context.Context) (t traces, err error) {
	err = b.admin.QueryRow(ctx, `
SELECT (pg_current_wal_insert_lsn() - '0/0')::bigint, n_tup_upd, n_tup_hot_upd, n_dead_tup
  FROM pg_stat_user_tables WHERE relid = 'pgautofailover.node'::regclass`).
		Scan(&t.wal, &t.updated, &t.hot, &t.dead)
	return t, err
}

func readNumber(pattern *regexp.Regexp, text string) (float64, error) {
	found := pattern.FindStringSubmatch(text)
	if found == nil {
		return 0, fmt.Errorf("pgbench does not tell %q:\n%s", pattern, text)
	}
	return strconv.ParseFloat(found[1], 64)
}

// spread is how far the largest lies above the smallest.
func spread(values []float64) float64 { return slices.Max(values)/slices.Min(values) - 1 }
