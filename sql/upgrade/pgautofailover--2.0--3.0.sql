-- From the extension of pg_auto_failover 2.0, which is written in C, to this one. Formations, nodes and events are kept.
-- make puts the whole script of 3.0 in the place marked below, so an updated monitor has the same objects as a new one.
--
-- Nothing is dropped with CASCADE: a view or function of somebody else on these tables stops the update, and the error
-- names it. Privileges that were granted to other roles on the tables are granted again.

DO $$
BEGIN
    IF EXISTS (SELECT FROM pgautofailover.node WHERE goalstate = 'unknown' OR reportedstate = 'unknown') THEN
        RAISE EXCEPTION 'a node has the state unknown' USING ERRCODE = 'object_not_in_prerequisite_state',
              HINT = 'Remove it before the update: SELECT pgautofailover.remove_node(nodeid, true).';
    END IF;
END
$$;

-- Nobody reports between the copy and the end of this transaction.
LOCK TABLE pgautofailover.formation, pgautofailover.node, pgautofailover.event IN ACCESS EXCLUSIVE MODE;

CREATE TEMP TABLE kept_formation AS
SELECT formationid, kind, dbname, opt_secondary, greatest(number_sync_standbys, 0) AS number_sync_standbys
  FROM pgautofailover.formation;

-- A failover that was in progress may have left a priority 101 too high or too low.
CREATE TEMP TABLE kept_node AS
SELECT formationid, nodeid, groupid, nodename, nodehost, nodeport, sysidentifier,
       goalstate::text AS goalstate, reportedstate::text AS reportedstate,
       reportedpgisrunning, reportedrepstate, reporttime, reportedtli, reportedlsn, walreporttime,
       health, healthchecktime, statechangetime,
       least(greatest(CASE WHEN candidatepriority > 100 THEN candidatepriority - 101
                           WHEN candidatepriority < 0 THEN candidatepriority + 101
                           ELSE candidatepriority END, 0), 100) AS candidatepriority,
       replicationquorum, nodecluster
  FROM pgautofailover.node;

CREATE TEMP TABLE kept_event AS
SELECT eventid, eventtime, formationid, nodeid, groupid, nodename, nodehost, nodeport,
       reportedstate::text AS reportedstate, goalstate::text AS goalstate,
       reportedrepstate, reportedtli, reportedlsn, candidatepriority, replicationquorum, description
  FROM pgautofailover.event;

CREATE TEMP TABLE kept_sequence AS
SELECT 'pgautofailover.node_nodeid_seq' AS name, last_value, is_called FROM pgautofailover.node_nodeid_seq
UNION ALL
SELECT 'pgautofailover.event_eventid_seq', last_value, is_called FROM pgautofailover.event_eventid_seq;

CREATE TEMP TABLE kept_privilege AS
SELECT c.relname, a.privilege_type, a.is_grantable, r.rolname
  FROM pg_class AS c, aclexplode(c.relacl) AS a LEFT JOIN pg_roles AS r ON r.oid = a.grantee
 WHERE c.relnamespace = 'pgautofailover'::regnamespace AND c.relkind = 'r'
   AND a.grantee <> c.relowner AND r.rolname IS DISTINCT FROM 'autoctl_node';

DROP TRIGGER disable_secondary_check ON pgautofailover.formation;
DO $$
DECLARE
    f record;
BEGIN
    FOR f IN SELECT p.oid::regprocedure AS signature FROM pg_proc AS p
               JOIN pg_depend AS d ON d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e'
               JOIN pg_extension AS e ON d.refclassid = 'pg_extension'::regclass AND d.refobjid = e.oid
              WHERE e.extname = 'pgautofailover' LOOP
        EXECUTE format('DROP FUNCTION %s', f.signature);
    END LOOP;
END
$$;
DROP TABLE pgautofailover.event, pgautofailover.node, pgautofailover.formation;
DROP TYPE pgautofailover.replication_state;
DROP SCHEMA pgautofailover;

-- @script@ the whole script of 3.0 stands here

DELETE FROM pgautofailover.formation;
INSERT INTO pgautofailover.formation (formationid, kind, dbname, opt_secondary, number_sync_standbys)
SELECT formationid, kind, dbname, opt_secondary, number_sync_standbys FROM kept_formation;

INSERT INTO pgautofailover.node
       (formationid, nodeid, groupid, nodename, nodehost, nodeport, sysidentifier, goalstate, reportedstate,
        reportedpgisrunning, reportedrepstate, reporttime, reportedtli, reportedlsn, walreporttime,
        health, healthchecktime, statechangetime, candidatepriority, replicationquorum, nodecluster)
SELECT formationid, nodeid, groupid, nodename, nodehost, nodeport, sysidentifier,
       goalstate::pgautofailover.replication_state, reportedstate::pgautofailover.replication_state,
       reportedpgisrunning, reportedrepstate, reporttime, reportedtli, reportedlsn, walreporttime,
       health, healthchecktime, statechangetime, candidatepriority, replicationquorum, nodecluster
  FROM kept_node;

INSERT INTO pgautofailover.event
       (eventid, eventtime, formationid, nodeid, groupid, nodename, nodehost, nodeport, reportedstate, goalstate,
        reportedrepstate, reportedtli, reportedlsn, candidatepriority, replicationquorum, description)
SELECT eventid, eventtime, formationid, nodeid, groupid, nodename, nodehost, nodeport,
       reportedstate::pgautofailover.replication_state, goalstate::pgautofailover.replication_state,
       reportedrepstate, reportedtli, reportedlsn, candidatepriority, replicationquorum, description
  FROM kept_event;

SELECT setval(name::regclass, last_value, is_called) FROM kept_sequence;

-- What 2.0 did not remember of a group. Which synchronous_standby_names its primary uses is not known: '' and those that 2.0
-- computed both count, until the primary has confirmed the new ones (it is told to, by rule names_changed). A primary's
-- last position counts as acknowledged.
INSERT INTO pgautofailover.node_group (formationid, groupid, primaryid, confirmedid, syncsets, namesfrozen, floortli, floorlsn, issuedtli)
SELECT g.formationid, g.groupid, p.nodeid,
       CASE WHEN p.reportedstate NOT IN ('prepare_promotion', 'stop_replication', 'fast_forward', 'report_lsn') THEN p.nodeid END,
       CASE WHEN s.members IS NULL OR p.goalstate = 'single' OR (p.goalstate = 'wait_primary' AND p.reportedstate = 'wait_primary')
            THEN ARRAY[ROW('{}', 0)::pgautofailover.sync_set]
            ELSE ARRAY[ROW('{}', 0)::pgautofailover.sync_set,
                       ROW(s.members, greatest(f.number_sync_standbys, 1))::pgautofailover.sync_set] END,
       false, coalesce(p.reportedtli, 0), coalesce(p.reportedlsn, '0/0'),
       (SELECT coalesce(max(e.reportedtli), 0) FROM pgautofailover.event AS e
         WHERE e.formationid = g.formationid AND e.groupid = g.groupid)
  FROM (SELECT DISTINCT formationid, groupid FROM pgautofailover.node) AS g
  JOIN pgautofailover.formation AS f USING (formationid)
  LEFT JOIN LATERAL (
       SELECT n.* FROM pgautofailover.node AS n
        WHERE n.formationid = g.formationid AND n.groupid = g.groupid
          AND (pgautofailover.is_writable(n.goalstate)
               OR n.reportedstate IN ('single', 'primary', 'wait_primary', 'join_primary', 'apply_settings',
                                      'draining', 'demote_timeout', 'prepare_maintenance'))
        ORDER BY pgautofailover.is_writable(n.goalstate) DESC, n.nodeid LIMIT 1) AS p ON true
  LEFT JOIN LATERAL (
       SELECT array_agg(n.nodeid ORDER BY n.candidatepriority DESC, n.nodeid) AS members FROM pgautofailover.node AS n
        WHERE n.formationid = g.formationid AND n.groupid = g.groupid AND n.nodeid <> p.nodeid
          AND n.replicationquorum AND n.goalstate <> 'dropped'
          AND n.reportedstate NOT IN ('init', 'wait_standby')) AS s ON true;

DO $$
DECLARE
    g record;
BEGIN
    FOR g IN SELECT * FROM kept_privilege LOOP
        EXECUTE format('GRANT %s ON pgautofailover.%I TO %s%s', g.privilege_type, g.relname,
                       coalesce(quote_ident(g.rolname), 'PUBLIC'), CASE WHEN g.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END);
    END LOOP;
END
$$;

DROP TABLE kept_formation, kept_node, kept_event, kept_sequence, kept_privilege;
