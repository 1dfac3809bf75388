-- Identity of nodes: system identifiers, name and address, region, version.
\set ECHO none
\i sql/include/transcript.sql
\set ECHO all

SELECT register('a', sysid => 0);
SELECT report('a', 'init');
SELECT fails($$SELECT pgautofailover.node_active('default', 1, 0, 'single', true, 1, '0/1000')$$);
SELECT works('SELECT * FROM pgautofailover.set_node_system_identifier(1, 6700000000000000001)');
SELECT report('a', 'single');
SELECT register('b', sysid => 0);
SELECT report('b', 'wait_standby');
SELECT report('a', 'wait_primary');
SELECT report('b', 'catchingup', '0/0', running => false);
SELECT state();
SELECT fails('SELECT pgautofailover.set_node_system_identifier(2, 42)');
SELECT works('SELECT * FROM pgautofailover.set_node_system_identifier(99, 42)');

-- D13: only nodes that have none yet, and only in a group of that identifier.
SELECT works('SELECT * FROM pgautofailover.set_group_system_identifier(0, 42)');
SELECT works('SELECT * FROM pgautofailover.set_group_system_identifier(0::bigint, 6700000000000000001)');
SELECT works('SELECT * FROM pgautofailover.set_group_system_identifier(7, 42)');
SELECT obey();
SELECT nodename, sysidentifier FROM node ORDER BY nodeid;

-- A group may change its identifier, all nodes in one transaction.
BEGIN;
SELECT set_node_system_identifier(1, 42);
SELECT set_node_system_identifier(2, 42);
COMMIT;
SELECT nodename, sysidentifier FROM node ORDER BY nodeid;

-- Name and address. What is NULL stays.
SELECT works($$SELECT pgautofailover.update_node_metadata(2, 'bb', NULL, NULL)$$);
SELECT works($$SELECT pgautofailover.update_node_metadata(2, NULL, 'host-bb', 6000)$$);
SELECT nodename, nodehost, nodeport FROM node ORDER BY nodeid;
SELECT fails($$SELECT pgautofailover.update_node_metadata(NULL, 'x', 'y', 1)$$);
SELECT fails($$SELECT pgautofailover.update_node_metadata(99, 'x', 'y', 1)$$);
SELECT fails($$SELECT pgautofailover.update_node_metadata(2, 'a', NULL, NULL)$$);
SELECT fails($$SELECT pgautofailover.update_node_metadata(2, NULL, 'host-a', 5432)$$);
SELECT fails($$SELECT pgautofailover.update_node_metadata(2, '', NULL, NULL)$$);
SELECT fails($$SELECT pgautofailover.update_node_metadata(2, NULL, '', NULL)$$);
SELECT fails($$SELECT pgautofailover.update_node_metadata(2, NULL, NULL, 0)$$);
SELECT fails($$SELECT pgautofailover.update_node_metadata(2, repeat('x', 256), NULL, NULL)$$);
SELECT fails($$SELECT pgautofailover.update_node_metadata(2, NULL, repeat('x', 256), NULL)$$);
SELECT count(*) FROM event WHERE rule LIKE '%metadata%';

-- Region.
SELECT ask($$set_node_region('default', 'a', 'eu')$$);
SELECT works($$SELECT pgautofailover.set_node_region('default', 'bb', 'us')$$);
SELECT nodename, region FROM node ORDER BY nodeid;
SELECT fails($$SELECT pgautofailover.set_node_region('default', 'nobody', '')$$);
SELECT fails($$SELECT pgautofailover.set_node_region('default', 'a', '')$$);

-- Versions are overwritten as a whole; an unknown node is ignored.
SELECT works($$SELECT pgautofailover.report_postgres_version(1, 150020, '15.20', 'PostgreSQL 15.20', '12.1')$$);
SELECT pg_versionnum, pg_version, pg_versionstring, citus_version FROM node WHERE nodeid = 1;
SELECT works($$SELECT pgautofailover.report_postgres_version(1, 160000)$$);
SELECT pg_versionnum, pg_version, pg_versionstring, citus_version FROM node WHERE nodeid = 1;
SELECT works($$SELECT pgautofailover.report_postgres_version(99, 160000)$$);
SELECT fails($$SELECT pgautofailover.report_postgres_version(NULL, 160000)$$);
