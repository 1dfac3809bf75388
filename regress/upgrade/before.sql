-- A monitor of pg_auto_failover 2.0 with two formations and five nodes, driven by the calls of its keepers.
SET client_min_messages TO warning;
CREATE EXTENSION pgautofailover VERSION '2.0' CASCADE;
SELECT pgautofailover.create_formation('app', 'pgsql', 'shop', true, 0);

SELECT pgautofailover.register_node('default', 'host-a', 5432, 'postgres', 'a', 111);
SELECT pgautofailover.node_active('default', 1, 0, 'single', true, 1, '0/3000');
SELECT pgautofailover.register_node('default', 'host-b', 5432, 'postgres', 'b', 111);
SELECT pgautofailover.node_active('default', 2, 0, 'wait_standby', false);
SELECT pgautofailover.node_active('default', 1, 0, 'single', true, 1, '0/3000');
SELECT pgautofailover.node_active('default', 1, 0, 'wait_primary', true, 1, '0/3000');
SELECT pgautofailover.node_active('default', 2, 0, 'wait_standby', false);
UPDATE pgautofailover.node SET health = 1, healthchecktime = now();
SELECT pgautofailover.node_active('default', 2, 0, 'catchingup', true, 1, '0/3000');
SELECT pgautofailover.node_active('default', 2, 0, 'catchingup', true, 1, '0/3000');
SELECT pgautofailover.node_active('default', 2, 0, 'secondary', true, 1, '0/3000');
SELECT pgautofailover.node_active('default', 1, 0, 'wait_primary', true, 1, '0/3000');
SELECT pgautofailover.node_active('default', 1, 0, 'primary', true, 1, '0/3000', 'sync');
SELECT pgautofailover.register_node('default', 'host-c', 5432, 'postgres', 'c', 111);
SELECT pgautofailover.node_active('default', 3, 0, 'wait_standby', false);
SELECT pgautofailover.node_active('default', 1, 0, 'primary', true, 1, '0/3000', 'sync');
SELECT pgautofailover.node_active('default', 3, 0, 'wait_standby', false);
SELECT pgautofailover.node_active('default', 1, 0, 'apply_settings', true, 1, '0/3000', 'sync');
SELECT pgautofailover.node_active('default', 1, 0, 'primary', true, 1, '0/3000', 'sync');
UPDATE pgautofailover.node SET health = 1, healthchecktime = now();
SELECT pgautofailover.node_active('default', 3, 0, 'catchingup', true, 1, '0/3000');
SELECT pgautofailover.node_active('default', 3, 0, 'catchingup', true, 1, '0/3000');
SELECT pgautofailover.node_active('default', 3, 0, 'secondary', true, 1, '0/3000');
SELECT pgautofailover.node_active('default', 1, 0, 'primary', true, 1, '0/4000', 'quorum');
SELECT pgautofailover.node_active('default', 2, 0, 'secondary', true, 1, '0/4000');
SELECT pgautofailover.node_active('default', 3, 0, 'secondary', true, 1, '0/4000');

-- The other formation: a failover is in progress, and has left a candidate priority 101 too high and one 101 too low (D17).
SELECT pgautofailover.register_node('app', 'host-d', 5432, 'shop', 'd', 222);
SELECT pgautofailover.node_active('app', 4, 0, 'single', true, 1, '0/3000');
SELECT pgautofailover.register_node('app', 'host-e', 5432, 'shop', 'e', 222);
SELECT pgautofailover.node_active('app', 5, 0, 'wait_standby', false);
SELECT pgautofailover.node_active('app', 4, 0, 'single', true, 1, '0/3000');
SELECT pgautofailover.node_active('app', 4, 0, 'wait_primary', true, 1, '0/3000');
SELECT pgautofailover.node_active('app', 5, 0, 'wait_standby', false);
UPDATE pgautofailover.node SET health = 1, healthchecktime = now();
SELECT pgautofailover.node_active('app', 5, 0, 'catchingup', true, 1, '0/3000');
SELECT pgautofailover.node_active('app', 5, 0, 'catchingup', true, 1, '0/3000');
SELECT pgautofailover.node_active('app', 5, 0, 'secondary', true, 1, '0/3000');
SELECT pgautofailover.node_active('app', 4, 0, 'wait_primary', true, 1, '0/3000');
SELECT pgautofailover.node_active('app', 4, 0, 'primary', true, 1, '0/3000', 'sync');
SELECT pgautofailover.perform_failover('app');
SELECT pgautofailover.node_active('app', 5, 0, 'prepare_promotion', true, 1, '0/4000');
UPDATE pgautofailover.node SET candidatepriority = candidatepriority + 101 WHERE nodeid = 5;
UPDATE pgautofailover.node SET candidatepriority = candidatepriority - 101 WHERE nodeid = 4;

-- Somebody else may read the nodes, and has a view on them.
CREATE ROLE dashboard;
GRANT USAGE ON SCHEMA pgautofailover TO dashboard;
GRANT SELECT ON pgautofailover.node TO dashboard WITH GRANT OPTION;
CREATE VIEW public.dashboard_nodes AS SELECT nodename, reportedstate::text FROM pgautofailover.node;
