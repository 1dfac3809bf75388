-- Removing nodes.

-- number_sync_standbys must leave room for the loss of one standby: lower it when the group has fewer.
CREATE FUNCTION pgautofailover.lower_number_sync(formation_id text, group_id int) RETURNS void
LANGUAGE plpgsql
AS $$
DECLARE
    number_sync int;
    standbys int;
BEGIN
    SELECT f.number_sync_standbys INTO number_sync FROM pgautofailover.formation AS f WHERE f.formationid = formation_id;
    -- all quorum nodes but one that is, or will be, the primary
    SELECT count(*) FILTER (WHERE n.replicationquorum)
           - CASE WHEN bool_or(pgautofailover.is_writable(n.goalstate))
                  THEN count(*) FILTER (WHERE n.replicationquorum AND pgautofailover.is_writable(n.goalstate))
                  ELSE least(count(*) FILTER (WHERE n.replicationquorum), 1) END
      INTO standbys
      FROM pgautofailover.node AS n
     WHERE n.formationid = formation_id AND n.groupid = group_id AND n.goalstate <> 'dropped';
    IF number_sync > 0 AND standbys < number_sync + 1 THEN
        UPDATE pgautofailover.formation AS f SET number_sync_standbys = greatest(standbys - 1, 0) WHERE f.formationid = formation_id;
        PERFORM pgautofailover.log_message(format('Setting number_sync_standbys to %s for formation "%s" now that group %s has %s standby node(s) in its quorum',
                                                  greatest(standbys - 1, 0), formation_id, group_id, standbys));
    END IF;
END
$$;

CREATE FUNCTION pgautofailover.remove_node(node_id bigint, force bool DEFAULT false) RETURNS bool
LANGUAGE plpgsql STRICT SECURITY DEFINER
AS $$
DECLARE
    n pgautofailover.node := pgautofailover.get_node(node_id);
BEGIN
    PERFORM pgautofailover.note_caller();
    PERFORM pgautofailover.lock_formation(n.formationid);
    PERFORM pgautofailover.lock_group(n.formationid, n.groupid);
    SELECT * INTO n FROM pgautofailover.node AS x WHERE x.nodeid = node_id;
    IF NOT FOUND THEN
        RETURN true;
    END IF;

    IF n.goalstate = 'dropped' AND n.reportedstate <> 'dropped' AND NOT force THEN
        RETURN true;
    END IF;
    -- the event tells who asked, also when the row is gone at once
    PERFORM pgautofailover.assign_by_call(node_id, 'remove_node');
    IF force OR n.reportedstate = 'dropped' AND n.goalstate = 'dropped' THEN
        PERFORM pgautofailover.forget_node(node_id);
    END IF;
    PERFORM pgautofailover.lower_number_sync(n.formationid, n.groupid);
    PERFORM pgautofailover.evaluate(n.formationid, n.groupid);
    RETURN true;
END
$$;

CREATE FUNCTION pgautofailover.remove_node(node_host text, node_port int DEFAULT 5432, force bool DEFAULT false) RETURNS bool
LANGUAGE plpgsql STRICT SECURITY DEFINER
AS $$
DECLARE
    id bigint;
BEGIN
    SELECT n.nodeid INTO id FROM pgautofailover.node AS n WHERE n.nodehost = node_host AND n.nodeport = node_port;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'there is no node %:%', node_host, node_port
              USING ERRCODE = 'undefined_object', HINT = 'pgaf show state lists the nodes.';
    END IF;
    RETURN pgautofailover.remove_node(id, force);
END
$$;
