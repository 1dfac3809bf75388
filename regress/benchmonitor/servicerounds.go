package main

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// serviceRounds measures what the monitor service asks for every second, with all nodes there and well. Version 2.0 does
// this in C workers of its own: nothing to compare.
func serviceRounds(ctx context.Context, p plan, subjects []*subject, v *verdicts) error {
	for _, b := range subjects {
		if !b.service {
			continue
		}
		if err := b.serviceRounds(ctx, p); err != nil {
			return fmt.Errorf("%s: rounds of the service: %w", b.name, err)
		}
	}
	return nil
}

func (b *subject) serviceRounds(ctx context.Context, p plan) error {
	const nodes = 2000
	if err := b.buildPairs(ctx, nodes); err != nil {
		return err
	}
	ids, err := value[[]int64](ctx, b.server, "SELECT array_agg(nodeid ORDER BY nodeid) FROM pgautofailover.node")
	if err != nil {
		return err
	}
	health, signs, messages := make([]int32, len(ids)), make([]string, len(ids)), make([]string, len(ids))
	for i := range ids {
		health[i], signs[i] = 1, "ok"
	}
	fmt.Printf("Calls of the monitor service for %d quiet nodes, median of %d\n\n", len(ids), p.rounds)
	printRoundHeader()
	conn, err := b.connect(ctx, role)
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	report := func() error {
		_, err := conn.Exec(ctx, "SELECT pgautofailover.report_health($1::bigint[], $2::int[], $3::text[], $4::text[])", ids, health, signs, messages)
		return err
	}
	if err := report(); err != nil { // the signs are new to the monitor
		return err
	}
	for _, call := range []struct {
		name    string
		prepare string
		do      func() error
	}{
		{"report_health, nothing to note", "CALL bench.refresh()", report},
		{"report_health, every five seconds", "CALL bench.refresh(); UPDATE pgautofailover.node SET healthchecktime = now() - interval '6 s'", report},
		{"tick", "CALL bench.refresh()", func() error {
			_, err := conn.Exec(ctx, "SELECT pgautofailover.tick()")
			return err
		}},
	} {
		if err := b.round(ctx, p.rounds, conn, call.name, call.prepare, call.do); err != nil {
			return err
		}
	}
	fmt.Println()
	return nil
}

// round measures one call of the service.
func (b *subject) round(ctx context.Context, repeat int, conn *pgx.Conn, name, prepare string, do func() error) error {
	var walls, cpus []time.Duration
	var wal []int64
	for range repeat {
		if err := b.exec(ctx, prepare); err != nil {
			return err
		}
		before, err := b.traces(ctx)
		if err != nil {
			return err
		}
		cpu, err := sessionCPU(conn.PgConn().PID())
		if err != nil {
			return err
		}
		start := time.Now()
		if err := do(); err != nil {
			return err
		}
		walls = append(walls, time.Since(start))
		used, err := sessionCPU(conn.PgConn().PID())
		if err != nil {
			return err
		}
		cpus = append(cpus, used-cpu)
		after, err := b.traces(ctx)
		if err != nil {
			return err
		}
		wal = append(wal, after.wal-before.wal)
	}
	printRound(name, median(walls), median(cpus), median(wal))
	return nil
}
