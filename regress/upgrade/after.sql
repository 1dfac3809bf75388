-- The updated monitor: nothing in C is left, and it carries the failover that was in progress, and another one.
\pset format unaligned
\pset tuples_only on
SELECT count(*) AS functions_in_c FROM pg_proc AS p JOIN pg_language AS l ON l.oid = p.prolang
 WHERE p.pronamespace = 'pgautofailover'::regnamespace AND l.lanname = 'c';
SELECT formationid, groupid, primaryid, syncsets, namesfrozen FROM pgautofailover.node_group ORDER BY 1, 2;
SELECT nodename, candidatepriority FROM pgautofailover.node ORDER BY nodeid;
SET pgautofailover.node_considered_unhealthy_timeout TO '1h';
SET pgautofailover.startup_grace_period TO '0';

-- Keepers of formation default report: the primary is told to read its settings once more, and confirms them.
SELECT assigned_group_state FROM pgautofailover.node_active('default', 2, 0, 'secondary', true, 1, '0/4000');
SELECT assigned_group_state FROM pgautofailover.node_active('default', 3, 0, 'secondary', true, 1, '0/4000');
SELECT assigned_group_state FROM pgautofailover.node_active('default', 1, 0, 'primary', true, 1, '0/4000', 'quorum');
SELECT assigned_group_state FROM pgautofailover.node_active('default', 1, 0, 'apply_settings', true, 1, '0/4000', 'quorum');
SELECT assigned_group_state FROM pgautofailover.node_active('default', 1, 0, 'primary', true, 1, '0/4000', 'quorum');
SELECT syncsets, namesfrozen FROM pgautofailover.node_group WHERE formationid = 'default';

-- Formation app was between two nodes: it is brought to its end.
SELECT assigned_group_state FROM pgautofailover.node_active('app', 5, 0, 'stop_replication', true, 1, '0/4000');
SELECT assigned_group_state FROM pgautofailover.node_active('app', 4, 0, 'demote_timeout', false, 1, '0/0');
SELECT assigned_group_state FROM pgautofailover.node_active('app', 5, 0, 'stop_replication', true, 1, '0/4000');
SELECT assigned_group_state FROM pgautofailover.node_active('app', 5, 0, 'wait_primary', true, 2, '0/4100', 'async');
SELECT assigned_group_state FROM pgautofailover.node_active('app', 4, 0, 'demoted', false, 1, '0/0');
SELECT assigned_group_state FROM pgautofailover.node_active('app', 4, 0, 'catchingup', true, 2, '0/4100');
SELECT assigned_group_state FROM pgautofailover.node_active('app', 4, 0, 'secondary', true, 2, '0/4100');
SELECT assigned_group_state FROM pgautofailover.node_active('app', 5, 0, 'primary', true, 2, '0/4100', 'sync');

-- A failover in default: the primary is lost, both standbys report, one is promoted.
SELECT pgautofailover.report_health('{1}', '{0}', '{refused}', '{""}');
UPDATE pgautofailover.node SET reporttime = now() - interval '2 h' WHERE nodeid = 1;
SELECT pgautofailover.tick();
SELECT assigned_group_state FROM pgautofailover.node_active('default', 2, 0, 'report_lsn', true, 1, '0/4000');
SELECT assigned_group_state FROM pgautofailover.node_active('default', 3, 0, 'report_lsn', true, 1, '0/4000');
SELECT assigned_group_state FROM pgautofailover.node_active('default', 2, 0, 'report_lsn', true, 1, '0/4000');
SELECT assigned_group_state FROM pgautofailover.node_active('default', 2, 0, 'prepare_promotion', true, 1, '0/4000');
SELECT assigned_group_state FROM pgautofailover.node_active('default', 2, 0, 'wait_primary', true, 2, '0/4100', 'async');
SELECT assigned_group_state FROM pgautofailover.node_active('default', 3, 0, 'join_secondary', true, 1, '0/4000');
SELECT assigned_group_state FROM pgautofailover.node_active('default', 3, 0, 'secondary', true, 2, '0/4100');
SELECT assigned_group_state FROM pgautofailover.node_active('default', 2, 0, 'primary', true, 2, '0/4100', 'quorum');
SELECT nodename, reportedstate, goalstate FROM pgautofailover.node ORDER BY nodeid;
SELECT assigned_node_id, assigned_group_state FROM pgautofailover.register_node('default', 'host-f', 5432, 'postgres', 'f', 111);
SELECT count(*) > 20 AS events_of_before_and_after FROM pgautofailover.event;

-- What others were granted is granted still, and the roles of 3.0 are there.
SELECT grantee, privilege_type, is_grantable FROM information_schema.role_table_grants
 WHERE table_schema = 'pgautofailover' AND table_name = 'node' AND grantee IN ('dashboard', 'autoctl_node', 'autoctl_viewer') ORDER BY 1, 2;
