-- Functions that only read.

CREATE FUNCTION pgautofailover.get_nodes(
    formation_id text DEFAULT 'default', group_id int DEFAULT NULL,
    OUT node_id bigint, OUT node_name text, OUT node_host text, OUT node_port int, OUT node_lsn pg_lsn, OUT node_is_primary bool
) RETURNS SETOF record
LANGUAGE plpgsql STABLE
AS $$
BEGIN
    IF formation_id IS NULL THEN
        RAISE EXCEPTION 'formation_id must not be NULL' USING ERRCODE = 'internal_error';
    END IF;
    RETURN QUERY
    SELECT n.nodeid, n.nodename, n.nodehost, n.nodeport, n.reportedlsn, pgautofailover.is_writable(n.reportedstate)
      FROM pgautofailover.node AS n
     WHERE n.formationid = formation_id AND (group_id IS NULL OR n.groupid = group_id)
     ORDER BY n.groupid, n.nodeid;
END
$$;

CREATE FUNCTION pgautofailover.get_primary(
    formation_id text DEFAULT 'default', group_id int DEFAULT 0,
    OUT primary_node_id bigint, OUT primary_name text, OUT primary_host text, OUT primary_port int
) RETURNS record
LANGUAGE plpgsql STABLE STRICT SECURITY DEFINER
AS $$
BEGIN
    SELECT n.nodeid, n.nodename, n.nodehost, n.nodeport
      INTO primary_node_id, primary_name, primary_host, primary_port
      FROM pgautofailover.node AS n
 LEFT JOIN pgautofailover.node_group AS g USING (formationid, groupid)
     WHERE n.formationid = formation_id AND n.groupid = group_id AND n.goalstate <> 'dropped'
       AND (pgautofailover.is_writable(n.goalstate) OR n.nodeid = g.primaryid)
     ORDER BY pgautofailover.is_writable(n.goalstate) DESC, n.nodeid LIMIT 1;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'group has no writable node right now'
              USING ERRCODE = 'internal_error',
                    DETAIL = format('Formation "%s", group %s.', formation_id, group_id),
                    HINT = 'SELECT * FROM pgautofailover.explain() tells what it waits for.';
    END IF;
END
$$;

CREATE FUNCTION pgautofailover.get_other_nodes(
    nodeid bigint,
    OUT node_id bigint, OUT node_name text, OUT node_host text, OUT node_port int, OUT node_lsn pg_lsn, OUT node_is_primary bool
) RETURNS SETOF record
LANGUAGE plpgsql STABLE STRICT
AS $$
DECLARE
    mine pgautofailover.node := pgautofailover.get_node(get_other_nodes.nodeid);
BEGIN
    RETURN QUERY
    SELECT n.nodeid, n.nodename, n.nodehost, n.nodeport, n.reportedlsn, pgautofailover.is_writable(n.reportedstate)
      FROM pgautofailover.node AS n
     WHERE n.formationid = mine.formationid AND n.groupid = mine.groupid AND n.nodeid <> mine.nodeid
       AND n.goalstate <> 'dropped'
     ORDER BY n.nodeid;
END
$$;

-- Filtered by what the nodes are told to be.
CREATE FUNCTION pgautofailover.get_other_nodes(
    nodeid bigint, current_state pgautofailover.replication_state,
    OUT node_id bigint, OUT node_name text, OUT node_host text, OUT node_port int, OUT node_lsn pg_lsn, OUT node_is_primary bool
) RETURNS SETOF record
LANGUAGE sql STABLE STRICT
AS $$
SELECT o.* FROM pgautofailover.get_other_nodes($1) AS o
  JOIN pgautofailover.node AS n ON n.nodeid = o.node_id
 WHERE n.goalstate = $2 ORDER BY o.node_id
$$;

CREATE FUNCTION pgautofailover.get_coordinator(
    formation_id text DEFAULT 'default', OUT node_host text, OUT node_port int
) RETURNS SETOF record
LANGUAGE sql STABLE STRICT
AS $$
SELECT n.nodehost, n.nodeport FROM pgautofailover.node AS n
 WHERE n.formationid = $1 AND n.groupid = 0
   AND n.goalstate IN ('single', 'wait_primary', 'primary', 'apply_settings')
   AND n.reportedstate IN ('single', 'wait_primary', 'primary', 'apply_settings')
$$;

CREATE FUNCTION pgautofailover.get_most_advanced_standby(
    formationid text DEFAULT 'default', groupid int DEFAULT 0, caller_node_id bigint DEFAULT 0,
    OUT node_id bigint, OUT node_name text, OUT node_host text, OUT node_port int, OUT node_lsn pg_lsn, OUT node_is_primary bool
) RETURNS SETOF record
LANGUAGE sql STABLE STRICT
AS $$
SELECT n.nodeid, n.nodename, n.nodehost, n.nodeport, n.reportedlsn, false
  FROM pgautofailover.node AS n
 WHERE n.formationid = $1 AND n.groupid = $2 AND n.nodeid <> $3
   AND n.reportedstate = 'report_lsn'
   AND (n.health <> 0 AND n.reportedpgisrunning OR pgautofailover.setting('guard_data_loss') = 'off')
 ORDER BY n.reportedtli DESC, n.reportedlsn DESC, n.health DESC, n.nodeid LIMIT 1
$$;

CREATE FUNCTION pgautofailover.last_events(count int DEFAULT 10) RETURNS SETOF pgautofailover.event
LANGUAGE sql STABLE STRICT
AS $$
SELECT * FROM (SELECT * FROM pgautofailover.event AS e ORDER BY e.eventid DESC LIMIT $1) AS newest
 ORDER BY eventtime, eventid
$$;

CREATE FUNCTION pgautofailover.last_events(formation_id text, count int DEFAULT 10) RETURNS SETOF pgautofailover.event
LANGUAGE sql STABLE STRICT
AS $$
SELECT * FROM (SELECT * FROM pgautofailover.event AS e WHERE e.formationid = $1 ORDER BY e.eventid DESC LIMIT $2) AS newest
 ORDER BY eventtime, eventid
$$;

CREATE FUNCTION pgautofailover.last_events(formation_id text, group_id int, count int DEFAULT 10) RETURNS SETOF pgautofailover.event
LANGUAGE sql STABLE STRICT
AS $$
SELECT * FROM (SELECT * FROM pgautofailover.event AS e WHERE e.formationid = $1 AND e.groupid = $2
                ORDER BY e.eventid DESC LIMIT $3) AS newest
 ORDER BY eventtime, eventid
$$;

-- Events after one that was seen already, oldest first; of one formation, or (NULL) of all.
CREATE FUNCTION pgautofailover.events_since(event_id bigint, formation_id text DEFAULT NULL) RETURNS SETOF pgautofailover.event
LANGUAGE sql STABLE
AS $$
SELECT * FROM pgautofailover.event AS e
 WHERE e.eventid > $1 AND ($2 IS NULL OR e.formationid = $2) ORDER BY e.eventid
$$;

-- Events of a span of time, oldest first.
CREATE FUNCTION pgautofailover.events_between(
    from_time timestamptz, until_time timestamptz DEFAULT now(), formation_id text DEFAULT NULL
) RETURNS SETOF pgautofailover.event
LANGUAGE sql STABLE
AS $$
SELECT * FROM pgautofailover.event AS e
 WHERE e.eventtime >= $1 AND e.eventtime <= $2 AND ($3 IS NULL OR e.formationid = $3) ORDER BY e.eventid
$$;

CREATE FUNCTION pgautofailover.current_state(
    formation_id text DEFAULT 'default',
    OUT formation_kind text, OUT nodename text, OUT nodehost text, OUT nodeport int, OUT group_id int, OUT node_id bigint,
    OUT current_group_state pgautofailover.replication_state, OUT assigned_group_state pgautofailover.replication_state,
    OUT candidate_priority int, OUT replication_quorum bool, OUT reported_tli int, OUT reported_lsn pg_lsn,
    OUT health int, OUT nodecluster text, OUT noderegion text
) RETURNS SETOF record
LANGUAGE sql STABLE STRICT
AS $$
SELECT f.kind, n.nodename, n.nodehost, n.nodeport, n.groupid, n.nodeid, n.reportedstate, n.goalstate,
       n.candidatepriority, n.replicationquorum, n.reportedtli, n.reportedlsn, n.health, n.nodecluster, n.region
  FROM pgautofailover.node AS n JOIN pgautofailover.formation AS f USING (formationid)
 WHERE n.formationid = $1 ORDER BY n.groupid, n.nodeid
$$;

CREATE FUNCTION pgautofailover.current_state(
    formation_id text, group_id int,
    OUT formation_kind text, OUT nodename text, OUT nodehost text, OUT nodeport int, OUT group_id int, OUT node_id bigint,
    OUT current_group_state pgautofailover.replication_state, OUT assigned_group_state pgautofailover.replication_state,
    OUT candidate_priority int, OUT replication_quorum bool, OUT reported_tli int, OUT reported_lsn pg_lsn,
    OUT health int, OUT nodecluster text, OUT noderegion text
) RETURNS SETOF record
LANGUAGE sql STABLE STRICT
AS $$ SELECT s.* FROM pgautofailover.current_state($1) AS s WHERE s.group_id = $2 $$;

-- The text of synchronous_standby_names for the primary of a group, as it should be now.
CREATE FUNCTION pgautofailover.synchronous_standby_names(formation_id text DEFAULT 'default', group_id int DEFAULT 0) RETURNS text
LANGUAGE plpgsql STABLE STRICT
AS $$
DECLARE
    p pgautofailover.node;
    memory pgautofailover.node_group;
    number_sync int;
    s pgautofailover.sync_set;
BEGIN
    IF NOT EXISTS (SELECT FROM pgautofailover.node AS n
                    WHERE n.formationid = formation_id AND n.groupid = group_id AND n.goalstate <> 'dropped') THEN
        RAISE EXCEPTION 'formation "%" has no nodes in group %', formation_id, group_id
              USING ERRCODE = '42P17', HINT = 'pgaf show state lists the nodes.';
    END IF;
    SELECT * INTO memory FROM pgautofailover.node_group AS g WHERE g.formationid = formation_id AND g.groupid = group_id;
    SELECT * INTO p FROM pgautofailover.node AS n
     WHERE n.formationid = formation_id AND n.groupid = group_id AND pgautofailover.is_writable(n.goalstate)
     ORDER BY n.nodeid LIMIT 1;
    IF NOT FOUND THEN
        -- during a failover: what the old primary was told last
        s := memory.syncsets[cardinality(memory.syncsets)];
    ELSIF p.goalstate IN ('single', 'wait_primary') THEN
        RETURN '';
    ELSE
        SELECT f.number_sync_standbys INTO number_sync FROM pgautofailover.formation AS f WHERE f.formationid = formation_id;
        s := pgautofailover.wanted_sync_set(formation_id, group_id, p.nodeid, number_sync);
    END IF;
    IF coalesce(s.number, 0) = 0 THEN
        RETURN '';
    END IF;
    RETURN format('ANY %s (%s)', s.number,
                  (SELECT string_agg('pgautofailover_standby_' || m.id, ', ' ORDER BY m.ord)
                     FROM unnest(s.members) WITH ORDINALITY AS m (id, ord)));
END
$$;

CREATE FUNCTION pgautofailover.formation_settings(
    formation_id text DEFAULT 'default',
    OUT context text, OUT group_id int, OUT node_id bigint, OUT nodename text, OUT setting text, OUT value text
) RETURNS SETOF record
LANGUAGE sql STABLE STRICT
AS $$
SELECT 'formation', NULL::int, NULL::bigint, f.formationid, 'number_sync_standbys', f.number_sync_standbys::text
  FROM pgautofailover.formation AS f WHERE f.formationid = $1
UNION ALL
(SELECT 'primary', n.groupid, n.nodeid, n.nodename, 'synchronous_standby_names',
        quote_literal(pgautofailover.synchronous_standby_names($1, n.groupid))
   FROM pgautofailover.node AS n
  WHERE n.formationid = $1 AND pgautofailover.is_writable(n.goalstate)
  ORDER BY n.groupid, n.nodeid)
UNION ALL
(SELECT 'node', n.groupid, n.nodeid, n.nodename, 'replication quorum', n.replicationquorum::text
   FROM pgautofailover.node AS n WHERE n.formationid = $1 ORDER BY n.nodeid)
UNION ALL
(SELECT 'node', n.groupid, n.nodeid, n.nodename, 'candidate priority', n.candidatepriority::text
   FROM pgautofailover.node AS n WHERE n.formationid = $1 ORDER BY n.nodeid)
$$;

-- The connection string of a formation: all nodes of group 0. NULL when there is none.
CREATE FUNCTION pgautofailover.formation_uri(
    formation_id text DEFAULT 'default', cluster_name text DEFAULT 'default', sslmode text DEFAULT 'prefer',
    sslrootcert text DEFAULT '', sslcrl text DEFAULT ''
) RETURNS text
LANGUAGE sql STABLE STRICT
AS $$
SELECT 'postgres://'
       || string_agg(CASE WHEN n.nodehost LIKE '%:%' THEN '[' || n.nodehost || ']' ELSE n.nodehost END
                     || ':' || n.nodeport, ',' ORDER BY n.nodeid)
       || '/' || f.dbname || '?'
       || CASE WHEN $2 = 'default' THEN 'target_session_attrs=read-write&' ELSE '' END
       || 'sslmode=' || $3
       || CASE WHEN $4 <> '' THEN '&sslrootcert=' || $4 ELSE '' END
       || CASE WHEN $5 <> '' THEN '&sslcrl=' || $5 ELSE '' END
  FROM pgautofailover.node AS n JOIN pgautofailover.formation AS f USING (formationid)
 WHERE n.formationid = $1 AND n.groupid = 0 AND n.nodecluster = $2 AND n.goalstate <> 'dropped'
 GROUP BY f.dbname
$$;
