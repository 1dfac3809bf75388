-- explain: what every node of a group does, what it waits for, and what an operator can do. Changes nothing.
-- One row per node, then one row for the group (node_id NULL): whether a failover is possible at this moment.

CREATE FUNCTION pgautofailover.explain(
    formation_id text DEFAULT 'default', group_id int DEFAULT 0,
    OUT node_id bigint, OUT node_name text,
    OUT reported_state pgautofailover.replication_state, OUT assigned_state pgautofailover.replication_state,
    OUT rule text, OUT doing text, OUT waiting_for text, OUT since timestamptz, OUT ends text, OUT action text
) RETURNS SETOF record
LANGUAGE plpgsql STABLE STRICT SECURITY DEFINER
AS $$
DECLARE
    t pgautofailover.thresholds := pgautofailover.load_thresholds();
    at timestamptz := clock_timestamp();
    s record;
    x pgautofailover.node;
    g pgautofailover.group_fact;
    n pgautofailover.node_fact;
    p pgautofailover.node_fact;
    o pgautofailover.node_fact;
    w pgautofailover.node_fact;
    names text;
    to_whom text;
    unwilling text;
    behind text;
    leased bool;
BEGIN
    PERFORM pgautofailover.get_formation(formation_id, '42704');
    s := pgautofailover.group_snapshot(formation_id, group_id, t, at);
    g := s.g;
    p := s.p;
    o := s.o;
    w := s.w;
    -- for people a node is silent also while nobody else is heard
    p.unhealthy := p.unhealthy OR NOT p.fresh AND p.health = 0;
    IF cardinality(s.nodes) = 0 THEN
        RAISE EXCEPTION 'formation "%" has no nodes in group %', formation_id, group_id
              USING ERRCODE = 'undefined_object', HINT = 'Add one with: pgaf create postgres.';
    END IF;
    -- where all nodes are being removed there is nobody to wait for
    names := CASE WHEN g.nodecount > 0 THEN pgautofailover.synchronous_standby_names(formation_id, group_id) ELSE '' END;

    FOR i IN 1 .. cardinality(s.nodes) LOOP
        n := s.nodes[i];
        n.unhealthy := n.unhealthy OR NOT n.fresh AND n.health = 0;
        SELECT * INTO x FROM pgautofailover.node AS y WHERE y.nodeid = n.nodeid;
        node_id := n.nodeid;
        node_name := n.name;
        reported_state := n.reported;
        assigned_state := n.goal;
        since := n.since;
        waiting_for := NULL;
        ends := NULL;
        action := NULL;
        SELECT e.rule INTO rule FROM pgautofailover.event AS e
         WHERE e.nodeid = n.nodeid AND e.goalstate = n.goal AND e.rule <> 'node_active'
         ORDER BY e.eventid DESC LIMIT 1;

        doing := CASE
            WHEN n.unhealthy AND n.running THEN format('is silent; its last report said %s', n.reported)
            WHEN pgautofailover.is_writable(n.reported) AND NOT n.is_primary THEN 'was the primary, and has to stop'
            WHEN pgautofailover.is_writable(n.reported) AND NOT n.running THEN 'is the primary, and its Postgres does not run'
            WHEN pgautofailover.is_writable(n.reported) AND NOT n.converged THEN 'accepts writes; which standbys a commit waits for is being changed'
            WHEN n.goal IN ('primary', 'apply_settings') AND names <> '' THEN format('accepts writes; a commit waits for %s', names)
            WHEN pgautofailover.is_writable(n.reported) THEN 'accepts writes; a commit waits for no standby'
            WHEN n.goal = 'report_lsn' AND n.reported <> 'report_lsn' THEN 'stops receiving, to report its position'
            WHEN n.is_winner THEN 'becomes primary'
            WHEN n.reported = 'secondary' AND n.priority <= 0 THEN 'receives the WAL of the primary; its candidate priority is 0'
            WHEN n.reported = 'secondary' THEN 'receives the WAL of the primary, and can take over'
            WHEN n.reported = 'catchingup' THEN 'receives the WAL of the primary, and cannot take over yet'
            WHEN n.reported = 'report_lsn' THEN format('receives nothing and has reported its position %s', n.lsn)
            WHEN n.reported = 'fast_forward' THEN 'has fetched the WAL it lacked'
            WHEN n.reported IN ('draining', 'demoted', 'demote_timeout') THEN 'is stopped'
            WHEN n.reported IN ('maintenance', 'prepare_maintenance', 'wait_maintenance') THEN 'is left to its operator'
            WHEN n.reported IN ('prepare_promotion', 'stop_replication') THEN 'becomes primary'
            WHEN n.reported IN ('init', 'wait_standby') THEN 'is new'
            ELSE format('is in state %s', n.reported) END;

        IF n.unhealthy AND n.reported NOT IN ('init', 'wait_standby', 'draining', 'demoted', 'demote_timeout',
                                              'prepare_maintenance', 'maintenance', 'dropped') THEN
            waiting_for := CASE
                WHEN NOT n.running THEN format('its Postgres: its keeper says that it does not run (reported %s ago)', date_trunc('second', at - n.reporttime))
                ELSE format('a sign of life: last report %s ago, health check says %s', date_trunc('second', at - n.reporttime), coalesce(x.healthsign, 'nothing')) END;
            action := format('look at node "%s" (%s:%s): is its keeper running, does its Postgres start, does the network reach the monitor', n.name, x.nodehost, x.nodeport);
        END IF;
        IF n.goal = 'primary' AND n.reported IN ('primary', 'apply_settings', 'join_primary', 'wait_primary') AND n.healthy AND g.sync_secondaries < g.number_sync THEN
            waiting_for := format('%s more synchronous standby(s): writes wait, as number_sync_standbys is %s', g.number_sync - g.sync_secondaries, g.number_sync);
            action := format('bring a standby back, or: pgaf set formation number-sync-standbys 0 --formation %s', formation_id);
        ELSIF n.goal <> n.reported THEN
            waiting_for := concat_ws('; ', format('its keeper to report %s', n.goal), waiting_for);
        ELSIF n.reported = 'wait_standby' THEN
            waiting_for := 'the primary to be ready for it';
        ELSIF n.reported = 'catchingup' AND p.nodeid IS NOT NULL THEN
            behind := pg_size_pretty(abs(p.lsn - n.lsn));
            waiting_for := concat_ws('; ', CASE
                WHEN NOT p.healthy THEN format('the primary "%s" to be healthy', p.name)
                WHEN n.tli <> p.tli THEN format('its timeline: it is on %s, the primary on %s', n.tli, p.tli)
                ELSE format('its position: %s away from the primary, within %s it becomes secondary', behind, pg_size_pretty(t.sync_bytes)) END, waiting_for);
        ELSIF n.reported IN ('catchingup', 'demoted', 'report_lsn', 'join_secondary', 'demote_timeout', 'draining') THEN
            waiting_for := concat_ws('; ', 'a healthy primary to follow', waiting_for);
        ELSIF n.reported = 'wait_primary' THEN
            waiting_for := concat_ws('; ', 'a standby that has caught up', waiting_for);
            action := coalesce(action, 'writes go on; bring the standbys back to have a second copy');
        ELSIF n.reported = 'prepare_maintenance' THEN
            waiting_for := 'a standby that takes over';
            action := 'pgaf disable maintenance, on that node, calls it off';
        ELSIF n.reported = 'maintenance' THEN
            waiting_for := 'its operator';
            action := 'pgaf disable maintenance, on that node';
        END IF;
        SELECT string_agg(y.name, ', ' ORDER BY y.name) INTO behind FROM pgautofailover.node_setting AS y
         WHERE y.nodeid = n.nodeid AND y.pending AND y.problem IS NULL
           AND NOT EXISTS (SELECT FROM pgautofailover.group_setting AS z WHERE z.formationid = formation_id AND z.groupid = group_id
                              AND z.name = y.name AND z.value::text <> y.value);
        IF behind IS NOT NULL THEN
            action := concat_ws('; ', action, format('a restart of its Postgres is pending, for %s', behind));
        END IF;
        SELECT string_agg(format('%s = %s (uses %s%s)', y.name, y.target, y.used,
                   coalesce('; ' || y.problem, '; after ' || y.waits_for, '')), ', ' ORDER BY y.name) INTO behind
          FROM pgautofailover.group_settings(formation_id, group_id) AS y WHERE y.node_id = n.nodeid AND y.used <> y.target;
        IF behind IS NOT NULL THEN
            waiting_for := concat_ws('; ', waiting_for, format('the group''s settings: %s', behind));
        END IF;
        IF x.healthsign = 'denied' THEN
            action := concat_ws('; ', action, format('the health check is refused by "%s": %s', n.name, x.healthmessage));
        END IF;
        IF n.is_primary AND n.unhealthy AND n.running AND NOT g.can_fail_over THEN
            ends := 'when it is back, or when a failover is possible (see the last row)';
        ELSIF n.running AND NOT n.unhealthy AND x.health = 0 THEN
            ends := format('it counts as lost when it has not reported for %s', t.silent);
        ELSIF n.goal = 'draining' AND g.switchover AND n.fresh AND NOT g.old_stopped THEN
            ends := format('the switchover is called off %s after it was asked for (drain_timeout)', t.drain);
        END IF;
        RETURN NEXT;
    END LOOP;

    -- the group
    node_id := NULL;
    node_name := NULL;
    reported_state := NULL;
    assigned_state := NULL;
    rule := NULL;
    since := NULL;
    ends := NULL;
    waiting_for := NULL;
    action := NULL;
    IF p.nodeid IS NOT NULL THEN
        SELECT m.name INTO to_whom FROM unnest(s.nodes) AS m
         WHERE m.goal = 'secondary' AND m.converged AND m.healthy AND m.priority > 0
         ORDER BY m.priority DESC, m.tli DESC, m.lsn DESC, m.nodeid LIMIT 1;
        IF to_whom IS NOT NULL AND g.can_fail_over AND p.reported IN ('primary', 'apply_settings', 'join_primary') THEN
            doing := format('a failover is possible now, to "%s"', to_whom);
            action := format('pgaf perform failover --formation %s --group %s', formation_id, group_id);
            IF p.unhealthy THEN
                since := p.since;
            END IF;
        ELSIF g.nodecount = 1 THEN
            doing := 'no failover is possible: the group has one node';
            action := 'pgaf create postgres, on another machine';
        ELSIF to_whom IS NULL THEN
            doing := 'no failover is possible: no healthy secondary has a candidate priority above 0';
            waiting_for := 'a standby to become secondary';
            action := CASE WHEN p.unhealthy
                           THEN format('bring "%s" back; or accept the loss of commits: pgaf perform failover --allow-data-loss --formation %s --group %s', p.name, formation_id, group_id) END;
        ELSE
            SELECT string_agg(format('"%s"', m.name), ', ' ORDER BY m.nodeid) INTO waiting_for
              FROM unnest(s.nodes) AS m
             WHERE NOT m.is_primary AND m.unhealthy
               AND EXISTS (SELECT FROM pgautofailover.node_group AS y, unnest(y.syncsets) AS z
                            WHERE y.formationid = formation_id AND y.groupid = group_id AND m.nodeid = ANY (z.members));
            doing := 'no failover is possible: a commit may be acknowledged by nodes that cannot be asked';
            waiting_for := coalesce(waiting_for, format('"%s"', p.name));
            action := format('bring one of them back; or accept the loss of commits: pgaf perform failover --allow-data-loss --formation %s --group %s', formation_id, group_id);
        END IF;
    ELSIF NOT EXISTS (SELECT FROM unnest(s.nodes) AS m WHERE m.priority > 0 AND m.goal <> 'dropped') THEN
        doing := 'no node can become primary: every candidate priority is 0';
        waiting_for := 'its operator';
        action := format('pgaf set node candidate-priority --formation %s --name NAME 50, for the node that shall be primary', formation_id);
    ELSIF NOT EXISTS (SELECT FROM unnest(s.nodes) AS m WHERE m.reported NOT IN ('init', 'wait_standby') AND m.goal <> 'dropped') THEN
        doing := 'no node can become primary: none that is left has data';
        waiting_for := 'its operator';
        action := 'drop it and create it again: pgaf drop node --destroy, pgaf create postgres';
    ELSIF w.nodeid IS NOT NULL THEN
        doing := format('a failover is in progress: "%s" becomes primary', w.name);
        waiting_for := format('"%s" to report %s', w.name, w.goal);
        since := w.since;
    ELSIF g.handover AND NOT g.election THEN
        doing := 'a switchover is in progress';
        waiting_for := CASE WHEN g.old_stopped THEN 'a standby that has received everything from the old primary'
                            ELSE format('"%s" to finish its writes and stop', o.name) END;
        since := o.since;
        ends := CASE WHEN g.switchover THEN format('drain_timeout, %s', t.drain) END;
    ELSIF NOT EXISTS (SELECT FROM unnest(s.nodes) AS m
                       WHERE m.goal NOT IN ('maintenance', 'prepare_maintenance', 'wait_maintenance', 'dropped')) THEN
        doing := 'no node can become primary: those that are left are in maintenance';
        waiting_for := 'their operator';
        action := 'pgaf disable maintenance, on one of them';
    ELSE
        doing := CASE WHEN pgautofailover.nodes_of_accepted_timeline(formation_id, group_id) IS NULL THEN 'an election is in progress'
                      ELSE 'an election is in progress, among the nodes of the timeline that an operator accepted' END;
        since := (SELECT min(m.since) FROM unnest(s.nodes) AS m WHERE m.goal = 'report_lsn');
        -- in an asynchronous group, or by an operator's word, the lease of the old primary ends the wait; else a position does
        SELECT bool_or(z.number = 0) OR NOT g.guard INTO leased
          FROM pgautofailover.node_group AS y, unnest(y.syncsets) AS z
         WHERE y.formationid = formation_id AND y.groupid = group_id;
        SELECT format('"%s", which has reported the furthest position, %s', m.name, m.lsn) INTO behind
          FROM unnest(s.nodes) AS m
         WHERE m.stopped AND m.unhealthy
           AND NOT EXISTS (SELECT FROM unnest(s.nodes) AS y WHERE y.stopped AND y.healthy AND (y.tli, y.lsn) >= (m.tli, m.lsn))
         ORDER BY m.tli DESC, m.lsn DESC, m.nodeid LIMIT 1;
        SELECT m.name INTO unwilling
          FROM unnest(s.nodes) AS m
         WHERE m.stopped AND m.healthy AND m.priority <= 0
           AND NOT EXISTS (SELECT FROM unnest(s.nodes) AS y WHERE y.stopped AND y.healthy AND (y.priority > 0 AND y.tli >= m.tli OR y.tli > m.tli))
         ORDER BY m.lsn DESC, m.nodeid LIMIT 1;
        waiting_for := CASE
            WHEN g.may_promote THEN 'the next evaluation'
            WHEN g.chosen IS NULL AND behind IS NOT NULL THEN behind
            WHEN g.chosen IS NULL AND g.missing IS NULL AND unwilling IS NOT NULL
                 THEN format('a candidate with the history of "%s", whose candidate priority is 0', unwilling)
            WHEN g.chosen IS NULL THEN format('a healthy candidate that reports its position, of: %s', coalesce(g.missing, 'nobody'))
            WHEN NOT g.proven AND NOT leased THEN format('the position of %s, which may have acknowledged commits', coalesce(g.missing, 'a node that was removed'))
            WHEN NOT g.proven AND NOT g.old_stopped AND at < g.lease_ends
                 THEN format('the proof that the old primary has stopped: its lease, or %s', coalesce(g.missing, 'its own report'))
            WHEN g.missing IS NULL AND o.nodeid IS NULL THEN 'what the primary that was removed has written last, and no node of the group has'
            ELSE format('the position of %s, which may have acknowledged commits', coalesce(g.missing, 'the old primary')) END;
        ends := CASE WHEN leased AND g.chosen IS NOT NULL AND g.lease_ends > at AND NOT g.proven AND NOT g.old_stopped
                     THEN format('the lease of the old primary ends at %s', date_trunc('second', g.lease_ends)) END;
        action := CASE WHEN g.chosen IS NULL AND g.missing IS NULL AND behind IS NULL AND unwilling IS NOT NULL
                       THEN format('pgaf set node candidate-priority --formation %s --name %s 50; or ', formation_id, unwilling) ELSE '' END
            || format('bring the missing nodes back; or accept the loss of commits: pgaf perform failover --allow-data-loss --formation %s --group %s', formation_id, group_id);
    END IF;
    RETURN NEXT;
END
$$;
