-- Timelines: their numbers, the history that keepers report, and an operator's choice between diverged ones, which holds
-- until the next new primary: the election chooses among nodes on that timeline or an ancestor of it.

-- The number of the timeline that a node is to begin when it is promoted. Postgres takes the next one that it does not
-- know, and so two nodes that are promoted one after the other may begin timelines of one number, which nothing can tell
-- apart afterwards. Here each number is given once in a group.
CREATE FUNCTION pgautofailover.issue_timeline(node_id bigint) RETURNS int
LANGUAGE plpgsql STRICT SECURITY DEFINER
AS $$
DECLARE
    n pgautofailover.node := pgautofailover.lock_node(node_id);
    issued int;
BEGIN
    UPDATE pgautofailover.node_group AS g
       SET issuedtli = 1 + greatest(g.issuedtli, (SELECT max(x.reportedtli) FROM pgautofailover.node AS x
                                                   WHERE x.formationid = n.formationid AND x.groupid = n.groupid))
     WHERE g.formationid = n.formationid AND g.groupid = n.groupid
    RETURNING g.issuedtli INTO STRICT issued;
    RETURN issued;
END
$$;

CREATE FUNCTION pgautofailover.report_timeline_history(node_id bigint, history jsonb) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER
AS $$
BEGIN
    IF node_id IS NULL OR NOT EXISTS (SELECT FROM pgautofailover.node AS n WHERE n.nodeid = node_id) THEN
        RAISE EXCEPTION 'there is no node with id %', node_id USING ERRCODE = 'foreign_key_violation';
    END IF;
    IF jsonb_typeof(history) IS DISTINCT FROM 'array'
       OR EXISTS (SELECT FROM jsonb_array_elements(history) AS h
                   WHERE num_nulls(h ->> 'tli', h ->> 'parenttli', h ->> 'switchpoint') > 0) THEN
        RAISE EXCEPTION 'a timeline history is a JSON array' USING ERRCODE = 'invalid_parameter_value',
              DETAIL = 'Its members are objects with the keys tli, parenttli and switchpoint.';
    END IF;
    INSERT INTO pgautofailover.node_timeline_history (nodeid, tli, parenttli, switchpoint_lsn)
    SELECT node_id, (h ->> 'tli')::int, (h ->> 'parenttli')::int, (h ->> 'switchpoint')::pg_lsn
      FROM jsonb_array_elements(history) AS h
    ON CONFLICT (nodeid, tli) DO NOTHING;
END
$$;

CREATE FUNCTION pgautofailover.accept_timeline(
    formation_id text, group_id int, target_tli int, decided_by text DEFAULT NULL
) RETURNS bool
LANGUAGE plpgsql SECURITY DEFINER
AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM pgautofailover.node_timeline_history AS h
                     JOIN pgautofailover.node AS n USING (nodeid)
                    WHERE n.formationid = formation_id AND n.groupid = group_id AND h.tli = target_tli) THEN
        RAISE EXCEPTION 'no node of formation "%", group % has timeline % in its history', formation_id, group_id, target_tli
              USING ERRCODE = 'raise_exception', HINT = 'pgaf show timeline lists the timelines.';
    END IF;
    PERFORM pgautofailover.note_caller();
    PERFORM pgautofailover.lock_group(formation_id, group_id);
    INSERT INTO pgautofailover.accepted_timeline (formationid, groupid, accepted_tli, decided_by, decided_at)
    VALUES (formation_id, group_id, target_tli, accept_timeline.decided_by, clock_timestamp());
    IF pgautofailover.nodes_of_accepted_timeline(formation_id, group_id) = '{}' THEN
        RAISE EXCEPTION 'every node of formation "%", group % has left timeline %', formation_id, group_id, target_tli
              USING ERRCODE = 'raise_exception', DETAIL = 'An election could choose nobody.', HINT = 'pgaf show timeline lists the timelines.';
    END IF;
    RETURN true;
END
$$;

CREATE FUNCTION pgautofailover.resolve_accepted_timeline(formation_id text, group_id int) RETURNS bool
LANGUAGE plpgsql SECURITY DEFINER
AS $$
BEGIN
    UPDATE pgautofailover.accepted_timeline AS a SET resolved_at = now()
     WHERE a.formationid = formation_id AND a.groupid = group_id AND a.resolved_at IS NULL;
    RETURN true;
END
$$;

CREATE FUNCTION pgautofailover.node_timeline_status(
    formation_id text, group_id int,
    OUT node_id bigint, OUT node_name text, OUT tli int, OUT lsn pg_lsn, OUT reference_tli int, OUT on_accepted_lineage bool
) RETURNS SETOF record
LANGUAGE sql STABLE STRICT
AS $$
WITH RECURSIVE reference AS (
    SELECT coalesce((SELECT a.accepted_tli FROM pgautofailover.accepted_timeline AS a
                      WHERE a.formationid = $1 AND a.groupid = $2 AND a.resolved_at IS NULL
                      ORDER BY a.decided_at DESC LIMIT 1),
                    (SELECT max(n.reportedtli) FROM pgautofailover.node AS n
                      WHERE n.formationid = $1 AND n.groupid = $2)) AS ref
), history AS (
    SELECT DISTINCT h.tli AS child, h.parenttli AS parent FROM pgautofailover.node_timeline_history AS h
      JOIN pgautofailover.node AS n USING (nodeid)
     WHERE n.formationid = $1 AND n.groupid = $2
), lineage (line) AS (
    SELECT ref FROM reference
    UNION
    SELECT h.parent FROM lineage AS l JOIN history AS h ON h.child = l.line WHERE h.parent > 0
)
SELECT n.nodeid, n.nodename, n.reportedtli, n.reportedlsn, r.ref,
       n.reportedtli IN (SELECT line FROM lineage)
  FROM pgautofailover.node AS n, reference AS r
 WHERE n.formationid = $1 AND n.groupid = $2 ORDER BY n.nodeid
$$;

-- The nodes among which an election may choose; NULL where no choice of an operator is in effect.
CREATE FUNCTION pgautofailover.nodes_of_accepted_timeline(formation_id text, group_id int) RETURNS bigint[]
LANGUAGE plpgsql STABLE
AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM pgautofailover.accepted_timeline AS a
                    WHERE a.formationid = formation_id AND a.groupid = group_id AND a.resolved_at IS NULL) THEN
        RETURN NULL;
    END IF;
    RETURN ARRAY(SELECT s.node_id FROM pgautofailover.node_timeline_status(formation_id, group_id) AS s WHERE s.on_accepted_lineage);
END
$$;
