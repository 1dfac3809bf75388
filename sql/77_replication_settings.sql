-- Candidate priority, replication quorum, number_sync_standbys.

-- The primary must read its settings again: after a change, in the same transaction.
CREATE FUNCTION pgautofailover.settings_changed(formation_id text, group_id int) RETURNS void
LANGUAGE plpgsql
AS $$
DECLARE
    p pgautofailover.node;
BEGIN
    SELECT * INTO p FROM pgautofailover.node AS x
     WHERE x.formationid = formation_id AND x.groupid = group_id AND pgautofailover.is_writable(x.goalstate)
     ORDER BY x.nodeid LIMIT 1;
    IF FOUND AND p.goalstate = 'apply_settings' AND p.reportedstate = 'apply_settings' THEN
        RAISE EXCEPTION 'the primary, node % "%", is applying settings right now', p.nodeid, p.nodename
              USING ERRCODE = 'object_not_in_prerequisite_state', HINT = 'Try again in a moment.';
    END IF;
    IF FOUND AND p.reportedstate IN ('primary', 'wait_primary') AND p.goalstate IN ('primary', 'wait_primary') THEN
        PERFORM pgautofailover.assign_by_call(p.nodeid, 'settings_changed');
    END IF;
    PERFORM pgautofailover.evaluate(formation_id, group_id);
END
$$;

CREATE FUNCTION pgautofailover.set_node_candidate_priority(formation_id text, node_name text, candidate_priority int) RETURNS bool
LANGUAGE plpgsql STRICT SECURITY DEFINER
AS $$
DECLARE
    n pgautofailover.node := pgautofailover.get_node(formation_id, node_name);
    candidates int;
    nodecount int;
BEGIN
    PERFORM pgautofailover.note_caller();
    n := pgautofailover.lock_node(n.nodeid);
    IF candidate_priority NOT BETWEEN 0 AND 100 THEN
        RAISE EXCEPTION 'invalid candidate priority %', candidate_priority
              USING ERRCODE = 'invalid_parameter_value', DETAIL = 'It is from 0 (never promoted) to 100.';
    END IF;
    IF n.nodecluster <> 'default' AND candidate_priority <> 0 THEN
        RAISE EXCEPTION 'node % "%" belongs to the read-only cluster "%"', n.nodeid, n.nodename, n.nodecluster
              USING ERRCODE = 'invalid_parameter_value', DETAIL = 'Its candidate priority is 0.';
    END IF;
    SELECT count(*) FILTER (WHERE x.candidatepriority > 0), count(*) FILTER (WHERE x.goalstate <> 'dropped')
      INTO candidates, nodecount
      FROM pgautofailover.node AS x WHERE x.formationid = n.formationid AND x.groupid = n.groupid;
    IF candidate_priority = 0 AND n.candidatepriority <> 0 AND candidates - 1 < 2 THEN
        RAISE NOTICE 'group % of formation "%" has % node(s) left that can become primary', n.groupid, n.formationid, candidates - 1
              USING ERRCODE = 'object_not_in_prerequisite_state', DETAIL = 'With fewer than 2 there is no failover.';
    END IF;
    UPDATE pgautofailover.node AS x SET candidatepriority = candidate_priority WHERE x.nodeid = n.nodeid;
    PERFORM pgautofailover.log_message(format('Setting candidate priority of node %s "%s" to %s', n.nodeid, n.nodename, candidate_priority));
    IF nodecount < 2 THEN
        PERFORM pgautofailover.record_event(n.nodeid, 'set_node_candidate_priority',
                    format('candidate priority of "%s" is %s', n.nodename, candidate_priority));
        PERFORM pgautofailover.evaluate(n.formationid, n.groupid);
    ELSE
        PERFORM pgautofailover.settings_changed(n.formationid, n.groupid);
    END IF;
    RETURN true;
END
$$;

CREATE FUNCTION pgautofailover.set_node_replication_quorum(formation_id text, node_name text, replication_quorum bool) RETURNS bool
LANGUAGE plpgsql STRICT SECURITY DEFINER
AS $$
DECLARE
    n pgautofailover.node := pgautofailover.get_node(formation_id, node_name);
    p pgautofailover.node;
    number_sync int;
    standbys int;
    nodecount int;
BEGIN
    PERFORM pgautofailover.note_caller();
    n := pgautofailover.lock_node(n.nodeid);
    SELECT count(*) INTO nodecount FROM pgautofailover.node AS x
     WHERE x.formationid = n.formationid AND x.groupid = n.groupid AND x.goalstate <> 'dropped';
    UPDATE pgautofailover.node AS x SET replicationquorum = replication_quorum WHERE x.nodeid = n.nodeid;
    IF NOT replication_quorum THEN
        SELECT * INTO p FROM pgautofailover.node AS x
         WHERE x.formationid = n.formationid AND x.groupid = n.groupid AND pgautofailover.is_writable(x.goalstate)
         ORDER BY x.nodeid LIMIT 1;
        IF NOT FOUND THEN
            RAISE EXCEPTION 'couldn''t find the primary node in formation "%", group %', n.formationid, n.groupid
                  USING ERRCODE = 'internal_error', HINT = 'Try again after the failover.';
        END IF;
        SELECT f.number_sync_standbys INTO number_sync FROM pgautofailover.formation AS f WHERE f.formationid = n.formationid;
        SELECT count(*) INTO standbys FROM pgautofailover.node AS x
         WHERE x.formationid = n.formationid AND x.groupid = n.groupid AND x.nodeid <> p.nodeid
           AND x.replicationquorum AND x.goalstate <> 'dropped';
        IF number_sync > 0 AND number_sync + 1 > standbys THEN
            RAISE EXCEPTION 'node % "%" is needed in the replication quorum', n.nodeid, n.nodename
                  USING ERRCODE = 'invalid_parameter_value',
                        DETAIL = format('number_sync_standbys is %s, which takes %s standbys in the quorum; %s would be left.',
                                        number_sync, number_sync + 1, standbys),
                        HINT = 'Lower it first: pgaf set formation number-sync-standbys.';
        END IF;
    END IF;
    PERFORM pgautofailover.log_message(format('Setting replication quorum of node %s "%s" to %s', n.nodeid, n.nodename, replication_quorum));
    IF nodecount < 2 THEN
        PERFORM pgautofailover.record_event(n.nodeid, 'set_node_replication_quorum',
                    format('replication quorum of "%s" is %s', n.nodename, replication_quorum));
        PERFORM pgautofailover.evaluate(n.formationid, n.groupid);
    ELSE
        PERFORM pgautofailover.settings_changed(n.formationid, n.groupid);
    END IF;
    RETURN true;
END
$$;

-- How many healthy secondaries count for the quorum.
CREATE FUNCTION pgautofailover.sync_secondaries(formation_id text, group_id int) RETURNS int
LANGUAGE plpgsql STABLE
AS $$
BEGIN
    RETURN ((pgautofailover.group_snapshot(formation_id, group_id, pgautofailover.load_thresholds(), clock_timestamp())).g).sync_secondaries;
END
$$;

CREATE FUNCTION pgautofailover.set_formation_number_sync_standbys(formation_id text, number_sync_standbys int) RETURNS bool
LANGUAGE plpgsql STRICT SECURITY DEFINER
AS $$
DECLARE
    f pgautofailover.formation;
    grp record;
    p pgautofailover.node;
    standbys int;
    groups int[];
BEGIN
    PERFORM pgautofailover.get_formation(formation_id);
    PERFORM pgautofailover.note_caller();
    PERFORM pgautofailover.lock_formation(formation_id);
    SELECT * INTO f FROM pgautofailover.formation AS x WHERE x.formationid = formation_id;
    IF number_sync_standbys < 0 THEN
        RAISE EXCEPTION 'invalid number_sync_standbys %', number_sync_standbys
              USING ERRCODE = 'invalid_parameter_value', DETAIL = 'It is at least 0.';
    END IF;
    FOR grp IN SELECT g.groupid FROM pgautofailover.node_group AS g
                WHERE g.formationid = formation_id
                UNION SELECT 0 ORDER BY 1 LOOP
        PERFORM pgautofailover.lock_group(formation_id, grp.groupid);
        SELECT * INTO p FROM pgautofailover.node AS x
         WHERE x.formationid = formation_id AND x.groupid = grp.groupid AND pgautofailover.is_writable(x.goalstate)
         ORDER BY x.nodeid LIMIT 1;
        IF NOT FOUND THEN
            RAISE EXCEPTION 'couldn''t find the primary node in formation "%", group %', formation_id, grp.groupid
                  USING ERRCODE = 'internal_error', HINT = 'Try again when every group has a primary: pgaf show state.';
        END IF;
        -- a worker group of one node has nothing to apply
        CONTINUE WHEN grp.groupid > 0 AND number_sync_standbys = 0 AND p.goalstate = 'single' AND p.reportedstate = 'single';
        -- Lowering it may be what a primary waits for that cannot find as many standbys as it was told to wait for.
        IF NOT (p.goalstate = p.reportedstate AND p.goalstate IN ('primary', 'wait_primary'))
           AND NOT (number_sync_standbys < f.number_sync_standbys AND p.goalstate IN ('primary', 'apply_settings')
                    AND pgautofailover.sync_secondaries(formation_id, grp.groupid) < f.number_sync_standbys) THEN
            RAISE EXCEPTION 'the primary of group % is not in a stable state', grp.groupid
                  USING ERRCODE = 'object_not_in_prerequisite_state',
                        DETAIL = format('Node %s "%s" reports %s and is told to be %s.', p.nodeid, p.nodename, p.reportedstate, p.goalstate),
                        HINT = 'It must be primary or wait_primary; a group of one node has nobody to wait for.';
        END IF;
        SELECT count(*) INTO standbys FROM pgautofailover.node AS x
         WHERE x.formationid = formation_id AND x.groupid = grp.groupid AND x.nodeid <> p.nodeid
           AND x.replicationquorum AND x.goalstate <> 'dropped';
        IF number_sync_standbys > 0 AND number_sync_standbys + 1 > standbys THEN
            RAISE EXCEPTION 'number_sync_standbys % is too high for group %', number_sync_standbys, grp.groupid
                  USING ERRCODE = 'invalid_parameter_value',
                        DETAIL = format('It takes at least %s standbys in the replication quorum, and the group has %s.',
                                        number_sync_standbys + 1, standbys),
                        HINT = 'Add standbys first: with exactly as many as are waited for, the loss of one stops all writes.';
        END IF;
        groups := groups || grp.groupid;
    END LOOP;

    UPDATE pgautofailover.formation AS x SET number_sync_standbys = set_formation_number_sync_standbys.number_sync_standbys
     WHERE x.formationid = formation_id;
    PERFORM pgautofailover.log_message(format('Setting number_sync_standbys of formation "%s" to %s', formation_id, number_sync_standbys));
    FOR i IN 1 .. coalesce(cardinality(groups), 0) LOOP
        PERFORM pgautofailover.settings_changed(formation_id, groups[i]);
    END LOOP;
    RETURN true;
END
$$;
