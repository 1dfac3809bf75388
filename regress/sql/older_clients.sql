-- Clients of pg_auto_failover 2.x: the calls that they make, as they make them, and states that only their monitor assigned.
\set ECHO none
\i sql/include/transcript.sql
\set ECHO all

-- Registration with 13 arguments, in the order of 2.0; heartbeat with 8.
SELECT * FROM pgautofailover.register_node('default', 'host-a', 5432, 'postgres', 'a', 1, -1, 0, 'init', 'standalone', 100, true, 'default');
SELECT * FROM pgautofailover.node_active('default', 1, 0, 'single', true, 1, '0/3000', '');
SELECT * FROM pgautofailover.register_node('default', 'host-b', 5432, 'postgres', 'b', 1, -1, 0, 'init', 'standalone', 100, true, 'default');
SELECT * FROM pgautofailover.node_active('default', 2, 0, 'wait_standby', false, 1, '0/0', '');
SELECT * FROM pgautofailover.node_active('default', 1, 0, 'wait_primary', true, 1, '0/3000', '');
SELECT * FROM pgautofailover.node_active('default', 2, 0, 'catchingup', true, 1, '0/3000', '');
SELECT * FROM pgautofailover.node_active('default', 2, 0, 'secondary', true, 1, '0/3000', '');
SELECT * FROM pgautofailover.node_active('default', 1, 0, 'primary', true, 1, '0/3000', 'sync');

-- Removal by name, events with a named count, most advanced standby with two and with three arguments.
SELECT nodename, goalstate FROM pgautofailover.last_events('default', count => 1);
SELECT nodename, goalstate FROM pgautofailover.last_events('default', 0, 1);
SELECT count(*) FROM pgautofailover.get_most_advanced_standby('default', 0);
SELECT count(*) FROM pgautofailover.get_most_advanced_standby('default', 0, 2);

-- A keeper of 2.x that drains reports that its Postgres is down before it reports draining.
SELECT pgautofailover.perform_failover();
SELECT * FROM pgautofailover.node_active('default', 1, 0, 'primary', false, 1, '0/4000', '');
SELECT * FROM pgautofailover.node_active('default', 1, 0, 'draining', false, 1, '0/4000', '');
SELECT * FROM pgautofailover.node_active('default', 2, 0, 'secondary', true, 1, '0/4078', '');
SELECT * FROM pgautofailover.node_active('default', 2, 0, 'prepare_promotion', true, 1, '0/4078', '');
SELECT * FROM pgautofailover.node_active('default', 1, 0, 'demoted', false, 1, '0/4000', '');
SELECT * FROM pgautofailover.node_active('default', 2, 0, 'wait_primary', true, 2, '0/4100', '');
SELECT * FROM pgautofailover.node_active('default', 1, 0, 'catchingup', true, 2, '0/4100', '');
SELECT * FROM pgautofailover.node_active('default', 1, 0, 'secondary', true, 2, '0/4100', '');
SELECT * FROM pgautofailover.node_active('default', 2, 0, 'primary', true, 2, '0/4100', 'sync');
SELECT state();

-- stop_replication and join_primary are walked to their end.
UPDATE node SET goalstate = 'stop_replication', reportedstate = 'prepare_promotion' WHERE nodeid = 1;
UPDATE node SET goalstate = 'demote_timeout', reportedstate = 'draining', reportedpgisrunning = false WHERE nodeid = 2;
SELECT * FROM pgautofailover.node_active('default', 1, 0, 'stop_replication', true, 2, '0/4100', '');
SELECT * FROM pgautofailover.node_active('default', 2, 0, 'demote_timeout', false, 2, '0/0', '');
SELECT state();
UPDATE node SET goalstate = 'join_primary', reportedstate = 'join_primary' WHERE nodeid = 1;
SELECT * FROM pgautofailover.node_active('default', 1, 0, 'join_primary', true, 3, '0/4200', 'sync');

SELECT pgautofailover.remove_node(2::int, false);
SELECT * FROM pgautofailover.node_active('default', 2, 0, 'dropped', false, 2, '0/0', '');
SELECT state();

-- The version that a keeper of 2.0 asks for, as it asks for it; the real one stands where this project's programs look.
SET ROLE autoctl_node;
SET search_path TO pgautofailover, pg_catalog, "$user", public;
PREPARE version (text) AS SELECT default_version, installed_version FROM pg_available_extensions WHERE name = $1;
EXECUTE version ('pgautofailover');
SELECT pgautofailover.extension_version(), installed_version FROM pg_catalog.pg_available_extensions WHERE name = 'pgautofailover';
RESET ROLE;
