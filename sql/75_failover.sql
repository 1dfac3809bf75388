-- Failover and promotion that an operator asks for.

CREATE FUNCTION pgautofailover.start_switchover(formation_id text, group_id int, target bigint) RETURNS void
LANGUAGE plpgsql
AS $$
DECLARE
    t pgautofailover.thresholds := pgautofailover.load_thresholds();
    at timestamptz := clock_timestamp();
    guard bool := t.guard;
    nodecount int;
    p pgautofailover.node;
    standby pgautofailover.node;
    candidates int;
BEGIN
    SELECT count(*) INTO nodecount FROM pgautofailover.node AS n
     WHERE n.formationid = formation_id AND n.groupid = group_id AND n.goalstate <> 'dropped';
    IF nodecount < 2 THEN
        RAISE EXCEPTION 'cannot fail over: group % of formation "%" has % node(s)', group_id, formation_id, nodecount
              USING ERRCODE = 'internal_error', DETAIL = 'At least 2 nodes are needed.',
                    HINT = 'Add a standby with: pgaf create postgres.';
    END IF;

    IF NOT guard THEN
        UPDATE pgautofailover.node_group AS g SET allowdataloss = true
         WHERE g.formationid = formation_id AND g.groupid = group_id;
    END IF;

    SELECT * INTO p FROM pgautofailover.node AS n
     WHERE n.formationid = formation_id AND n.groupid = group_id AND n.goalstate = n.reportedstate
       AND (n.goalstate IN ('single', 'primary', 'join_primary')
            OR (NOT guard AND n.goalstate IN ('wait_primary', 'apply_settings')))
     ORDER BY n.nodeid LIMIT 1;
    IF NOT FOUND THEN
        IF EXISTS (SELECT FROM pgautofailover.node AS n
                    WHERE n.formationid = formation_id AND n.groupid = group_id
                      AND n.goalstate = 'report_lsn' AND n.reportedstate = 'report_lsn')
           OR NOT guard THEN
            -- an election waits: look again, with what the operator just allowed or asked for
            UPDATE pgautofailover.node_group AS g SET switchovertarget = coalesce(target, g.switchovertarget)
             WHERE g.formationid = formation_id AND g.groupid = group_id;
            PERFORM pgautofailover.evaluate(formation_id, group_id);
            RETURN;
        END IF;
        RAISE EXCEPTION 'couldn''t find the primary node in formation "%", group %', formation_id, group_id
              USING ERRCODE = 'internal_error',
                    HINT = 'A change is in progress: SELECT * FROM pgautofailover.explain() tells what it waits for.';
    END IF;

    IF nodecount = 2 THEN
        SELECT * INTO standby FROM pgautofailover.node AS n
         WHERE n.formationid = formation_id AND n.groupid = group_id AND n.goalstate <> 'dropped' AND n.nodeid <> p.nodeid;
        IF standby.candidatepriority = 0 THEN
            RAISE EXCEPTION 'cannot fail over: node % "%" has candidate priority 0', standby.nodeid, standby.nodename
                  USING ERRCODE = 'internal_error', DETAIL = 'It is the only standby.',
                        HINT = format('Allow it first: pgaf set node candidate-priority --name %s 50.', standby.nodename);
        END IF;
        IF guard AND NOT (p.goalstate = 'primary' AND standby.goalstate = 'secondary' AND standby.reportedstate = 'secondary') THEN
            RAISE EXCEPTION 'cannot fail over: the group is not in a stable state'
                  USING ERRCODE = 'internal_error',
                        DETAIL = format('Node %s "%s" is %s, told to be %s; node %s "%s" is %s, told to be %s.',
                                        p.nodeid, p.nodename, p.reportedstate, p.goalstate,
                                        standby.nodeid, standby.nodename, standby.reportedstate, standby.goalstate),
                        HINT = 'Wait until they are primary and secondary: pgaf show state.';
        END IF;
    ELSIF guard THEN
        SELECT count(*) INTO candidates FROM pgautofailover.node AS n
         WHERE n.formationid = formation_id AND n.groupid = group_id AND n.nodeid <> p.nodeid
           AND n.goalstate = 'secondary' AND n.reportedstate = 'secondary'
           AND NOT pgautofailover.is_unhealthy(n, t, at)
           AND (n.candidatepriority > 0 OR n.nodeid = target);
        IF candidates = 0 THEN
            RAISE EXCEPTION 'cannot fail over: no healthy secondary of candidate priority above 0'
                  USING ERRCODE = 'object_not_in_prerequisite_state',
                        DETAIL = format('Formation "%s", group %s.', formation_id, group_id),
                        HINT = 'SELECT * FROM pgautofailover.explain() tells what each node waits for.';
        END IF;
    END IF;

    UPDATE pgautofailover.node_group AS g
       SET switchoversince = clock_timestamp(), switchovertarget = target, primaryid = p.nodeid,
           stoppedat = NULL, stoppedtli = NULL, stoppedlsn = NULL
     WHERE g.formationid = formation_id AND g.groupid = group_id;
    IF p.goalstate IN ('wait_primary', 'single') THEN
        PERFORM pgautofailover.assign(p.nodeid, 'demoted', 'perform_failover',
                    format('"%s" hands over although commits may be lost', p.nodename), 105, 'api_triggered');
    ELSE
        PERFORM pgautofailover.assign_by_call(p.nodeid, 'perform_failover');
    END IF;
    PERFORM pgautofailover.evaluate(formation_id, group_id);
END
$$;

CREATE FUNCTION pgautofailover.perform_failover(formation_id text DEFAULT 'default', group_id int DEFAULT 0) RETURNS void
LANGUAGE plpgsql STRICT SECURITY DEFINER
AS $$
BEGIN
    PERFORM pgautofailover.note_caller();
    PERFORM pgautofailover.lock_group(formation_id, group_id);
    PERFORM pgautofailover.start_switchover(formation_id, group_id, NULL);
END
$$;

CREATE FUNCTION pgautofailover.perform_promotion(formation_id text, node_name text) RETURNS bool
LANGUAGE plpgsql STRICT SECURITY DEFINER
AS $$
DECLARE
    n pgautofailover.node := pgautofailover.get_node(formation_id, node_name);
BEGIN
    PERFORM pgautofailover.note_caller();
    n := pgautofailover.lock_node(n.nodeid);
    IF n.goalstate = n.reportedstate AND n.goalstate IN ('single', 'primary') THEN
        RAISE NOTICE 'node % "%" is already the primary', n.nodeid, n.nodename
              USING ERRCODE = 'object_not_in_prerequisite_state';
        RETURN false;
    END IF;
    IF NOT (n.goalstate = n.reportedstate AND n.goalstate IN ('secondary', 'report_lsn')) THEN
        RAISE EXCEPTION 'cannot promote node % "%"', n.nodeid, n.nodename
              USING ERRCODE = 'object_not_in_prerequisite_state',
                    DETAIL = format('It reports %s and is told to be %s.', n.reportedstate, n.goalstate),
                    HINT = 'Only a secondary can be promoted: pgaf show state.';
    END IF;
    PERFORM pgautofailover.start_switchover(n.formationid, n.groupid, n.nodeid);
    RETURN true;
END
$$;
