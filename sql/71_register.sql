-- Registration and identity of nodes.

-- A node's row by id. Unknown: 42704.
CREATE FUNCTION pgautofailover.get_node(node_id bigint) RETURNS pgautofailover.node
LANGUAGE plpgsql STABLE
AS $$
DECLARE
    n pgautofailover.node;
BEGIN
    SELECT * INTO n FROM pgautofailover.node AS x WHERE x.nodeid = node_id;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'there is no node with id %', node_id
              USING ERRCODE = 'undefined_object',
                    HINT = 'pgaf show state lists the nodes; a node that was removed registers again with pgaf create postgres.';
    END IF;
    RETURN n;
END
$$;

CREATE FUNCTION pgautofailover.get_node(formation_id text, node_name text) RETURNS pgautofailover.node
LANGUAGE plpgsql STABLE
AS $$
DECLARE
    n pgautofailover.node;
BEGIN
    SELECT * INTO n FROM pgautofailover.node AS x WHERE x.formationid = formation_id AND x.nodename = node_name;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'there is no node "%" in formation "%"', node_name, formation_id
              USING ERRCODE = 'undefined_object', HINT = 'pgaf show state lists the nodes.';
    END IF;
    RETURN n;
END
$$;

-- Lock the group of a node and read the node again.
CREATE FUNCTION pgautofailover.lock_node(node_id bigint) RETURNS pgautofailover.node
LANGUAGE plpgsql
AS $$
DECLARE
    n pgautofailover.node := pgautofailover.get_node(node_id);
BEGIN
    PERFORM pgautofailover.lock_group(n.formationid, n.groupid);
    RETURN pgautofailover.get_node(node_id);
END
$$;

-- Names and hosts go into every notification, whose payload has less than 8000 bytes: a longer one would stop the group.
-- NULL stands for one that is not given.
CREATE FUNCTION pgautofailover.check_name_and_address(node_name text, node_host text, node_port int) RETURNS void
LANGUAGE plpgsql
AS $$
BEGIN
    IF node_name = '' OR octet_length(node_name) > 255 THEN
        RAISE EXCEPTION 'invalid node name "%"', left(node_name, 80)
              USING ERRCODE = 'invalid_parameter_value', DETAIL = 'A node name has 1 to 255 bytes.';
    END IF;
    IF node_host = '' OR octet_length(node_host) > 255 OR node_port NOT BETWEEN 1 AND 65535 THEN
        RAISE EXCEPTION 'invalid address "%"', concat_ws(':', left(node_host, 80), node_port)
              USING ERRCODE = 'invalid_parameter_value',
                    HINT = 'Give a host name or address of 1 to 255 bytes, and a port from 1 to 65535.';
    END IF;
END
$$;

CREATE FUNCTION pgautofailover.register_node(
    formation_id text, node_host text, node_port int, dbname name,
    node_name text DEFAULT '', sysidentifier bigint DEFAULT 0,
    desired_node_id bigint DEFAULT -1, desired_group_id int DEFAULT -1,
    initial_group_role pgautofailover.replication_state DEFAULT 'init',
    node_kind text DEFAULT 'standalone', candidate_priority int DEFAULT 100,
    replication_quorum bool DEFAULT true, node_cluster text DEFAULT 'default',
    node_region text DEFAULT 'default',
    OUT assigned_node_id bigint, OUT assigned_group_id int,
    OUT assigned_group_state pgautofailover.replication_state,
    OUT assigned_candidate_priority int, OUT assigned_replication_quorum bool, OUT assigned_node_name text
) RETURNS record
LANGUAGE plpgsql STRICT SECURITY DEFINER
AS $$
DECLARE
    f pgautofailover.formation;
    wanted_kind text;
    empty bool;
    goal pgautofailover.replication_state;
    new_id bigint;
    new_name text;
    n pgautofailover.node;
    prefix text;
    letter int;
BEGIN
    wanted_kind := CASE node_kind WHEN 'standalone' THEN 'pgsql' WHEN 'coordinator' THEN 'citus' WHEN 'worker' THEN 'citus'
                                  WHEN '' THEN 'unknown' WHEN 'unknown' THEN 'unknown' END;
    IF wanted_kind IS NULL THEN
        RAISE EXCEPTION 'unknown node kind "%"', node_kind
              USING ERRCODE = 'invalid_parameter_value', HINT = 'Use "standalone", "coordinator" or "worker".';
    END IF;
    IF candidate_priority NOT BETWEEN 0 AND 100 THEN
        RAISE EXCEPTION 'invalid candidate priority %', candidate_priority
              USING ERRCODE = 'invalid_parameter_value', DETAIL = 'It is from 0 (never promoted) to 100.';
    END IF;
    IF node_cluster <> 'default' AND candidate_priority <> 0 THEN
        RAISE EXCEPTION 'a node of the read-only cluster "%" must have candidate priority 0', node_cluster
              USING ERRCODE = 'invalid_parameter_value';
    END IF;
    PERFORM pgautofailover.check_name_and_address(nullif(node_name, ''), node_host, node_port);
    IF initial_group_role = 'unknown' THEN
        RAISE EXCEPTION 'a node cannot register in state unknown' USING ERRCODE = 'invalid_parameter_value';
    END IF;
    PERFORM pgautofailover.note_caller();
    PERFORM pgautofailover.lock_formation(formation_id);

    f := pgautofailover.get_formation(formation_id, '42P17');
    empty := NOT EXISTS (SELECT FROM pgautofailover.node AS x WHERE x.formationid = formation_id);
    IF f.kind <> wanted_kind THEN
        IF NOT empty THEN
            RAISE EXCEPTION 'node %:% of kind "%" cannot join formation "%" of kind "%"',
                  node_host, node_port, node_kind, formation_id, f.kind
                  USING ERRCODE = 'internal_error', HINT = 'Use another formation, or create one of the fitting kind.';
        END IF;
        UPDATE pgautofailover.formation AS x SET kind = wanted_kind WHERE x.formationid = formation_id;
    END IF;
    IF f.dbname <> register_node.dbname THEN
        IF NOT empty THEN
            RAISE EXCEPTION 'node %:% uses database "%", and formation "%" uses "%"',
                  node_host, node_port, register_node.dbname, formation_id, f.dbname
                  USING ERRCODE = 'internal_error', HINT = format('Use --dbname %s, or another formation.', f.dbname);
        END IF;
        UPDATE pgautofailover.formation AS x SET dbname = register_node.dbname WHERE x.formationid = formation_id;
    END IF;

    IF wanted_kind = 'citus' THEN
        assigned_group_id := desired_group_id;
        IF desired_group_id < 0 AND node_kind = 'coordinator' THEN
            assigned_group_id := 0;
        ELSIF desired_group_id < 0 THEN
            -- the first worker group that is empty, or that has one node and may have a secondary
            SELECT s.id INTO assigned_group_id
              FROM generate_series(1, (SELECT coalesce(max(x.groupid), 0) + 1 FROM pgautofailover.node AS x
                                        WHERE x.formationid = formation_id)) AS s (id)
             WHERE (SELECT count(*) FROM pgautofailover.node AS x
                     WHERE x.formationid = formation_id AND x.groupid = s.id AND x.goalstate <> 'dropped')
                   <= CASE WHEN f.opt_secondary THEN 1 ELSE 0 END
             ORDER BY s.id LIMIT 1;
        END IF;
    ELSE
        IF desired_group_id > 0 THEN
            RAISE EXCEPTION 'formation "%" has only group 0', formation_id
                  USING ERRCODE = 'internal_error', DETAIL = format('Group %s was asked for; a pgsql formation is one group.', desired_group_id);
        END IF;
        assigned_group_id := 0;
    END IF;
    PERFORM pgautofailover.lock_group(formation_id, assigned_group_id);

    IF NOT EXISTS (SELECT FROM pgautofailover.node AS x
                    WHERE x.formationid = formation_id AND x.groupid = assigned_group_id AND x.goalstate <> 'dropped')
       AND candidate_priority > 0 THEN
        goal := 'single';
    ELSIF NOT f.opt_secondary THEN
        RAISE EXCEPTION 'formation "%" takes no secondary', formation_id
              USING ERRCODE = 'object_not_in_prerequisite_state',
                    HINT = format('Allow it first: pgaf enable secondary --formation %s.', formation_id);
    ELSIF EXISTS (SELECT FROM pgautofailover.node AS x
                   WHERE x.formationid = formation_id AND x.groupid = assigned_group_id
                     AND (pgautofailover.is_writable(x.goalstate)
                          OR x.goalstate IN ('fast_forward', 'prepare_promotion', 'stop_replication'))) THEN
        goal := 'wait_standby';
    ELSIF EXISTS (SELECT FROM pgautofailover.node AS x
                   WHERE x.formationid = formation_id AND x.groupid = assigned_group_id
                     AND x.candidatepriority <= 0 AND x.goalstate = 'report_lsn' AND x.reportedstate = 'report_lsn') THEN
        goal := 'report_lsn';
    ELSE
        RAISE EXCEPTION 'group % of formation "%" has no primary that node %:% could follow now',
              assigned_group_id, formation_id, node_host, node_port
              USING ERRCODE = 'object_in_use', HINT = 'Try again when the group has a primary: pgaf show state.';
    END IF;

    IF desired_node_id >= 0 THEN
        new_id := desired_node_id;
    ELSE
        new_id := nextval('pgautofailover.node_nodeid_seq');
    END IF;

    new_name := node_name;
    IF new_name = '' THEN
        IF wanted_kind = 'pgsql' THEN
            new_name := 'node_' || new_id;
        ELSE
            -- coord0a, worker1a, …: the first letter that is free (a, b, …, z, aa, ab, …)
            prefix := CASE WHEN assigned_group_id = 0 THEN 'coord' ELSE 'worker' END || assigned_group_id;
            letter := 0;
            LOOP
                new_name := prefix || CASE WHEN letter >= 26 THEN chr(96 + letter / 26) ELSE '' END || chr(97 + letter % 26);
                EXIT WHEN NOT EXISTS (SELECT FROM pgautofailover.node AS x
                                       WHERE x.formationid = formation_id AND x.nodename = new_name);
                letter := letter + 1;
            END LOOP;
        END IF;
    END IF;

    INSERT INTO pgautofailover.node
           (formationid, nodeid, groupid, nodename, nodehost, nodeport, sysidentifier, goalstate, reportedstate,
            candidatepriority, replicationquorum, nodecluster, region)
    VALUES (formation_id, new_id, assigned_group_id, new_name, node_host, node_port, nullif(register_node.sysidentifier, 0),
            CASE WHEN goal = 'single' THEN 'init' ELSE goal END, initial_group_role,
            candidate_priority, replication_quorum, node_cluster, coalesce(nullif(node_region, ''), 'default'));
    IF desired_node_id >= 0 THEN
        PERFORM setval('pgautofailover.node_nodeid_seq',
                       greatest((SELECT max(x.nodeid) FROM pgautofailover.node AS x),
                                (SELECT s.last_value FROM pgautofailover.node_nodeid_seq AS s)), true);
    END IF;

    INSERT INTO pgautofailover.node_group (formationid, groupid) VALUES (formation_id, assigned_group_id)
    ON CONFLICT DO NOTHING;

    PERFORM pgautofailover.log_message(format('Registered node %s "%s" (%s:%s) in formation "%s", group %s',
                                              new_id, new_name, node_host, node_port, formation_id, assigned_group_id));
    IF goal = 'single' THEN
        -- the first node of a group, or the first after all others are gone
        UPDATE pgautofailover.node_group AS x
           SET primaryid = NULL, confirmedid = NULL, syncsets = DEFAULT, namesfrozen = true, floortli = 0, floorlsn = '0/0',
               switchoversince = NULL, switchovertarget = NULL, allowdataloss = false, stoppedat = NULL, stoppedtli = NULL, stoppedlsn = NULL,
               primarygone = NULL
         WHERE x.formationid = formation_id AND x.groupid = assigned_group_id;
        PERFORM pgautofailover.assign(new_id, 'single', 'register_node', format('"%s" registers as the first node of its group', new_name));
    ELSE
        PERFORM pgautofailover.record_event(new_id, 'register_node', format('"%s" registers', new_name));
    END IF;

    -- with a second standby to wait for, the loss of one does not stop writes; that must hold in every group
    IF goal = 'wait_standby' AND f.number_sync_standbys = 0 AND replication_quorum
       AND 2 = (SELECT count(*) FROM pgautofailover.node AS x
                 WHERE x.formationid = formation_id AND x.groupid = assigned_group_id
                   AND x.replicationquorum AND x.goalstate <> 'dropped' AND NOT pgautofailover.is_writable(x.goalstate))
       AND NOT EXISTS (SELECT FROM pgautofailover.node AS x
                        WHERE x.formationid = formation_id AND x.goalstate <> 'dropped'
                        GROUP BY x.groupid
                       HAVING count(*) FILTER (WHERE x.replicationquorum AND NOT pgautofailover.is_writable(x.goalstate)) < 2
                           OR NOT bool_or(pgautofailover.is_writable(x.goalstate))) THEN
        UPDATE pgautofailover.formation AS x SET number_sync_standbys = 1 WHERE x.formationid = formation_id;
        PERFORM pgautofailover.log_message(format('Setting number_sync_standbys to 1 for formation "%s" now that it has two standbys in its quorum', formation_id));
    END IF;

    PERFORM pgautofailover.evaluate(formation_id, assigned_group_id);

    n := pgautofailover.get_node(new_id);
    IF initial_group_role <> 'init' AND initial_group_role <> n.goalstate THEN
        RAISE EXCEPTION 'node %:% registers in state "%", and the monitor would assign "%"',
              node_host, node_port, initial_group_role, n.goalstate
              USING ERRCODE = 'internal_error',
                    HINT = 'A running primary can only be the first node of a group.';
    END IF;
    assigned_node_id := n.nodeid;
    assigned_group_state := n.goalstate;
    assigned_candidate_priority := n.candidatepriority;
    assigned_replication_quorum := n.replicationquorum;
    assigned_node_name := n.nodename;
END
$$;

CREATE FUNCTION pgautofailover.set_node_system_identifier(
    node_id bigint, node_sysidentifier bigint,
    OUT node_id bigint, OUT node_name text, OUT node_host text, OUT node_port int
) RETURNS record
LANGUAGE sql STRICT SECURITY DEFINER
AS $$
-- two nodes of a group must not get different ones at the same time
SELECT pgautofailover.lock_group(n.formationid, n.groupid) FROM pgautofailover.node AS n WHERE n.nodeid = $1;
UPDATE pgautofailover.node SET sysidentifier = $2 WHERE nodeid = $1
RETURNING nodeid, nodename, nodehost, nodeport
$$;

-- Only nodes that have none yet, in every formation that has such a group without another identifier.
CREATE FUNCTION pgautofailover.set_group_system_identifier(
    group_id bigint, node_sysidentifier bigint,
    OUT node_id bigint, OUT node_name text, OUT node_host text, OUT node_port int
) RETURNS SETOF record
LANGUAGE sql STRICT SECURITY DEFINER
AS $$
UPDATE pgautofailover.node AS n SET sysidentifier = $2
 WHERE n.groupid = $1 AND n.sysidentifier IS NULL
   AND EXISTS (SELECT FROM pgautofailover.node AS x
                WHERE x.formationid = n.formationid AND x.groupid = n.groupid AND x.sysidentifier = $2)
RETURNING n.nodeid, n.nodename, n.nodehost, n.nodeport
$$;

CREATE FUNCTION pgautofailover.update_node_metadata(node_id bigint, node_name text, node_host text, node_port int) RETURNS bool
LANGUAGE plpgsql SECURITY DEFINER
AS $$
BEGIN
    IF node_id IS NULL THEN
        RAISE EXCEPTION 'node_id must not be NULL' USING ERRCODE = 'internal_error';
    END IF;
    PERFORM pgautofailover.lock_node(node_id);
    PERFORM pgautofailover.check_name_and_address(node_name, node_host, node_port);
    UPDATE pgautofailover.node AS n
       SET nodename = coalesce(node_name, n.nodename), nodehost = coalesce(node_host, n.nodehost),
           nodeport = coalesce(node_port, n.nodeport)
     WHERE n.nodeid = node_id;
    RETURN true;
END
$$;

CREATE FUNCTION pgautofailover.set_node_region(formation_id text, node_name text, region text) RETURNS bool
LANGUAGE plpgsql STRICT SECURITY DEFINER
AS $$
DECLARE
    n pgautofailover.node := pgautofailover.get_node(formation_id, node_name);
BEGIN
    IF set_node_region.region = '' THEN
        RAISE EXCEPTION 'a region must not be empty' USING ERRCODE = 'invalid_parameter_value';
    END IF;
    PERFORM pgautofailover.note_caller();
    PERFORM pgautofailover.lock_node(n.nodeid);
    UPDATE pgautofailover.node AS x SET region = set_node_region.region WHERE x.nodeid = n.nodeid;
    PERFORM pgautofailover.log_message(format('Setting region of node %s "%s" to "%s"', n.nodeid, n.nodename, set_node_region.region));
    PERFORM pgautofailover.record_event(n.nodeid, 'set_node_region', format('"%s" is in region "%s"', n.nodename, set_node_region.region));
    RETURN true;
END
$$;

CREATE FUNCTION pgautofailover.report_postgres_version(
    node_id bigint, pg_versionnum int DEFAULT NULL, pg_version text DEFAULT NULL,
    pg_versionstring text DEFAULT NULL, citus_version text DEFAULT NULL
) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER
AS $$
BEGIN
    IF node_id IS NULL THEN
        RAISE EXCEPTION 'node_id must not be NULL' USING ERRCODE = 'internal_error';
    END IF;
    UPDATE pgautofailover.node AS n
       SET pg_versionnum = report_postgres_version.pg_versionnum, pg_version = report_postgres_version.pg_version,
           pg_versionstring = report_postgres_version.pg_versionstring, citus_version = report_postgres_version.citus_version
     WHERE n.nodeid = node_id;
END
$$;
