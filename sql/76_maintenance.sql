-- Maintenance.

CREATE FUNCTION pgautofailover.start_maintenance(node_id bigint) RETURNS bool
LANGUAGE plpgsql STRICT SECURITY DEFINER
AS $$
DECLARE
    n pgautofailover.node;
    p pgautofailover.node;
    t pgautofailover.thresholds := pgautofailover.load_thresholds();
    at timestamptz := clock_timestamp();
    number_sync int;
    candidates int;
    sync int;
    is_sync bool;
BEGIN
    SELECT * INTO n FROM pgautofailover.node AS x WHERE x.nodeid = node_id;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    PERFORM pgautofailover.note_caller();
    n := pgautofailover.lock_node(node_id);

    IF n.goalstate = 'maintenance' OR n.reportedstate = 'maintenance' THEN
        RETURN true;
    END IF;
    IF NOT ((n.goalstate = 'primary' AND n.reportedstate = 'primary') OR n.reportedstate IN ('secondary', 'catchingup'))
       OR n.goalstate = 'dropped' THEN
        RAISE EXCEPTION 'cannot start maintenance of node % "%"', n.nodeid, n.nodename
              USING ERRCODE = 'object_not_in_prerequisite_state',
                    DETAIL = format('It reports %s and is told to be %s.', n.reportedstate, n.goalstate),
                    HINT = 'Maintenance starts from primary, secondary or catchingup.';
    END IF;

    SELECT * INTO p FROM pgautofailover.node AS x
     WHERE x.formationid = n.formationid AND x.groupid = n.groupid AND pgautofailover.is_writable(x.goalstate)
     ORDER BY (x.nodeid = node_id) DESC, x.nodeid LIMIT 1;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'couldn''t find the primary node in formation "%", group %', n.formationid, n.groupid
              USING ERRCODE = 'internal_error',
                    HINT = 'A failover is in progress: SELECT * FROM pgautofailover.explain() tells what it waits for.';
    END IF;

    SELECT count(*) FILTER (WHERE x.candidatepriority > 0),
           count(*) FILTER (WHERE x.replicationquorum),
           coalesce(bool_or(x.nodeid = node_id AND x.replicationquorum), false)
      INTO candidates, sync, is_sync
      FROM pgautofailover.node AS x
     WHERE x.formationid = n.formationid AND x.groupid = n.groupid AND x.nodeid <> p.nodeid
       AND x.goalstate = 'secondary' AND x.reportedstate = 'secondary'
       AND NOT pgautofailover.is_unhealthy(x, t, at);
    SELECT f.number_sync_standbys INTO number_sync FROM pgautofailover.formation AS f WHERE f.formationid = n.formationid;

    IF n.nodeid = p.nodeid THEN
        IF candidates < 1 THEN
            RAISE EXCEPTION 'cannot start maintenance of the primary, node % "%"', n.nodeid, n.nodename
                  USING ERRCODE = 'object_not_in_prerequisite_state',
                        DETAIL = 'There is no healthy secondary of candidate priority above 0 to take over.',
                        HINT = 'SELECT * FROM pgautofailover.explain() tells what each node waits for.';
        END IF;
        PERFORM pgautofailover.assign_by_call(node_id, 'start_maintenance_primary');
        PERFORM pgautofailover.evaluate(n.formationid, n.groupid);
        RETURN true;
    END IF;

    IF NOT (p.goalstate = 'primary' AND p.reportedstate = 'primary') THEN
        RAISE EXCEPTION 'cannot start maintenance of node % "%"', n.nodeid, n.nodename
              USING ERRCODE = 'object_not_in_prerequisite_state',
                    DETAIL = format('The primary, node %s "%s", reports %s and is told to be %s.',
                                    p.nodeid, p.nodename, p.reportedstate, p.goalstate),
                    HINT = 'Try again when the primary is in state primary.';
    END IF;
    IF number_sync > 0 AND sync <= number_sync AND is_sync THEN
        RAISE WARNING 'writes will wait: formation "%" wants % synchronous standby(s)', n.formationid, number_sync
              USING ERRCODE = 'object_not_in_prerequisite_state',
                    DETAIL = format('Without node %s "%s" there are %s.', n.nodeid, n.nodename, sync - 1),
                    HINT = 'pgaf set formation number-sync-standbys lowers it.';
    END IF;
    IF number_sync = 0 AND sync = 1 AND is_sync THEN
        PERFORM pgautofailover.assign_by_call(node_id, 'start_maintenance_last_sync');
        PERFORM pgautofailover.assign_by_call(p.nodeid, 'disable_sync_for_maintenance');
    ELSE
        PERFORM pgautofailover.assign_by_call(node_id, 'start_maintenance');
    END IF;
    PERFORM pgautofailover.evaluate(n.formationid, n.groupid);
    RETURN true;
END
$$;

CREATE FUNCTION pgautofailover.stop_maintenance(node_id bigint) RETURNS bool
LANGUAGE plpgsql STRICT SECURITY DEFINER
AS $$
DECLARE
    n pgautofailover.node;
BEGIN
    SELECT * INTO n FROM pgautofailover.node AS x WHERE x.nodeid = node_id;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    PERFORM pgautofailover.note_caller();
    n := pgautofailover.lock_node(node_id);
    -- prepare_maintenance is left also when nobody could take over: the node then takes part in the election
    IF NOT (n.goalstate = n.reportedstate AND n.goalstate IN ('maintenance', 'prepare_maintenance')) THEN
        RAISE EXCEPTION 'cannot stop maintenance of node % "%"', n.nodeid, n.nodename
              USING ERRCODE = 'object_not_in_prerequisite_state',
                    DETAIL = format('It reports %s and is told to be %s.', n.reportedstate, n.goalstate),
                    HINT = 'Maintenance can be stopped when the node is in state maintenance.';
    END IF;
    IF EXISTS (SELECT FROM pgautofailover.node AS x
                WHERE x.formationid = n.formationid AND x.groupid = n.groupid AND pgautofailover.is_writable(x.goalstate)) THEN
        PERFORM pgautofailover.assign_by_call(node_id, 'stop_maintenance');
    ELSE
        PERFORM pgautofailover.assign_by_call(node_id, 'stop_maintenance_election');
    END IF;
    PERFORM pgautofailover.evaluate(n.formationid, n.groupid);
    RETURN true;
END
$$;
