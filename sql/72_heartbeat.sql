-- The heartbeat: a node reports, the group is evaluated, the answer is what the node shall be.

CREATE FUNCTION pgautofailover.node_active(
    formation_id text, node_id bigint, group_id int,
    current_group_role pgautofailover.replication_state DEFAULT 'init',
    current_pg_is_running bool DEFAULT true, current_tli int DEFAULT 1,
    current_lsn pg_lsn DEFAULT '0/0', current_rep_state text DEFAULT '',
    OUT assigned_node_id bigint, OUT assigned_group_id int,
    OUT assigned_group_state pgautofailover.replication_state,
    OUT assigned_candidate_priority int, OUT assigned_replication_quorum bool
) RETURNS record
LANGUAGE plpgsql STRICT SECURITY DEFINER
AS $$
DECLARE
    n pgautofailover.node;
    rep_state text := CASE current_rep_state WHEN '' THEN 'unknown' ELSE current_rep_state END;
    silent interval;
    changed bool;
    stall timestamptz;
BEGIN
    IF rep_state NOT IN ('unknown', 'sync', 'async', 'quorum', 'potential') THEN
        RAISE EXCEPTION 'unknown replication state "%"', current_rep_state
              USING ERRCODE = 'invalid_parameter_value', HINT = 'Use sync, async, quorum, potential or unknown.';
    END IF;
    IF current_group_role = 'unknown' THEN
        RAISE EXCEPTION 'a node cannot report state unknown' USING ERRCODE = 'invalid_parameter_value';
    END IF;

    n := pgautofailover.get_node(node_id);
    IF n.formationid <> formation_id THEN
        RAISE EXCEPTION 'node % belongs to formation "%", not to "%"', node_id, n.formationid, formation_id
              USING ERRCODE = '42P17';
    END IF;
    PERFORM pgautofailover.lock_group(n.formationid, n.groupid);
    n := pgautofailover.get_node(node_id);

    -- a primary that nobody streams from: since when
    IF current_group_role = 'primary' AND current_pg_is_running AND rep_state = 'unknown' THEN
        stall := coalesce(n.replication_stall_since, now());
    END IF;
    changed := n.reportedstate <> current_group_role
               OR n.reportedpgisrunning IS DISTINCT FROM current_pg_is_running
               OR n.reportedtli <> current_tli AND current_tli <> 0;

    UPDATE pgautofailover.node AS x
       SET reportedstate = current_group_role,
           reporttime = now(),
           reportedpgisrunning = current_pg_is_running,
           reportedrepstate = rep_state,
           reportedtli = CASE current_tli WHEN 0 THEN x.reportedtli ELSE current_tli END,
           reportedlsn = CASE current_lsn WHEN '0/0' THEN x.reportedlsn ELSE current_lsn END,
           walreporttime = CASE current_lsn WHEN '0/0' THEN x.walreporttime ELSE now() END,
           statechangetime = CASE WHEN x.reportedstate <> current_group_role THEN now() ELSE x.statechangetime END,
           sessionlost = NULL,
           replication_stall_since = stall
     WHERE x.nodeid = node_id;

    IF NOT changed THEN
        silent := pgautofailover.setting('node_considered_unhealthy_timeout')::float8 * interval '1 ms';
        IF n.goalstate = current_group_role AND pgautofailover.is_settled(n.formationid, n.groupid, silent) THEN
            assigned_node_id := n.nodeid;
            assigned_group_id := n.groupid;
            assigned_group_state := n.goalstate;
            assigned_candidate_priority := n.candidatepriority;
            assigned_replication_quorum := n.replicationquorum;
            -- a position is an observation, not a decision: losing the last one in a crash costs a second
            SET LOCAL synchronous_commit TO off;
            RETURN;
        END IF;
    END IF;

    -- the primary that was told to stop has stopped; a position of 0/0 means: not in good order
    IF NOT current_pg_is_running
       AND current_group_role IN ('draining', 'demote_timeout', 'demoted', 'prepare_maintenance', 'dropped') THEN
        UPDATE pgautofailover.node_group AS g
           SET stoppedat = now(),
               stoppedtli = CASE WHEN current_lsn <> '0/0' THEN coalesce(nullif(current_tli, 0), n.reportedtli) END,
               stoppedlsn = nullif(current_lsn, '0/0')
         WHERE g.formationid = n.formationid AND g.groupid = n.groupid AND g.primaryid = node_id
           AND g.stoppedat IS NULL AND NOT pgautofailover.is_writable(n.goalstate);
    END IF;

    IF n.reportedstate <> current_group_role THEN
        PERFORM pgautofailover.log_message(format('Node %s "%s" (%s:%s) reports state "%s"',
                    n.nodeid, n.nodename, n.nodehost, n.nodeport, current_group_role));
        PERFORM pgautofailover.record_event(node_id, 'node_active',
                    format('"%s" reports %s', n.nodename, current_group_role));
    END IF;

    IF pgautofailover.evaluate(n.formationid, n.groupid) = 0 AND NOT changed THEN
        SET LOCAL synchronous_commit TO off;
    END IF;

    SELECT x.nodeid, x.groupid, x.goalstate, x.candidatepriority, x.replicationquorum
      INTO assigned_node_id, assigned_group_id, assigned_group_state, assigned_candidate_priority, assigned_replication_quorum
      FROM pgautofailover.node AS x WHERE x.nodeid = node_id;
    IF NOT FOUND THEN
        -- it reported that its removal is complete, and its row is gone
        assigned_node_id := n.nodeid;
        assigned_group_id := n.groupid;
        assigned_group_state := 'dropped';
        assigned_candidate_priority := n.candidatepriority;
        assigned_replication_quorum := n.replicationquorum;
    END IF;
END
$$;

-- A keeper tells the monitor which backend serves it, so that the end of that session is a sign.
CREATE FUNCTION pgautofailover.open_session(node_id bigint) RETURNS void
LANGUAGE plpgsql STRICT SECURITY DEFINER
AS $$
BEGIN
    PERFORM pgautofailover.lock_node(node_id);
    UPDATE pgautofailover.node AS n SET sessionpid = pg_backend_pid(), sessionlost = NULL WHERE n.nodeid = node_id;
END
$$;

-- A standby's keeper tells that its replication connection to the primary broke (false) or is back (true).
CREATE FUNCTION pgautofailover.report_upstream(node_id bigint, connected bool) RETURNS void
LANGUAGE plpgsql STRICT SECURITY DEFINER
AS $$
DECLARE
    n pgautofailover.node := pgautofailover.lock_node(node_id);
    primary_id bigint;
BEGIN
    UPDATE pgautofailover.node AS x
       SET upstreamlost = CASE WHEN connected THEN NULL ELSE coalesce(x.upstreamlost, now()) END
     WHERE x.nodeid = node_id;
    IF NOT connected THEN
        SELECT x.nodeid INTO primary_id FROM pgautofailover.node AS x
         WHERE x.formationid = n.formationid AND x.groupid = n.groupid AND pgautofailover.is_writable(x.goalstate)
         ORDER BY x.nodeid LIMIT 1;
        IF FOUND THEN
            PERFORM pg_notify('check', primary_id::text);
        END IF;
    END IF;
END
$$;
