-- A citus formation: the coordinator is group 0, each worker group fails over by itself.
\set ECHO none
\i sql/include/transcript.sql
\set ECHO all

SELECT create_formation('dist', 'citus', 'postgres', true, 0) IS NOT NULL;
SELECT register('coord_a', formation => 'dist', grp => 0, kind => 'coordinator');
SELECT obey();
SELECT register('coord_b', formation => 'dist', grp => 0, kind => 'coordinator');
SELECT obey();
SELECT register('worker_a', formation => 'dist', kind => 'worker');
SELECT obey();
SELECT register('worker_b', formation => 'dist', kind => 'worker');
SELECT obey();
SELECT register('worker_c', formation => 'dist', kind => 'worker');
SELECT obey();
SELECT nodename, groupid, goalstate FROM node ORDER BY groupid, nodeid;
SELECT node_host FROM get_coordinator('dist');
SELECT synchronous_standby_names('dist', 0), synchronous_standby_names('dist', 1), synchronous_standby_names('dist', 2);

-- The primary of group 1 is lost: nothing happens to the other groups.
SELECT silent('worker_a');
SELECT obey('worker_b');
SELECT nodename, groupid, goalstate FROM node ORDER BY groupid, nodeid;
SELECT why('dist', 1);

-- The coordinator hands over.
SELECT ask($$perform_failover('dist', 0)$$);
SELECT report('coord_a', 'draining', '0/4000');
SELECT report('coord_b', 'secondary', '0/4078');
SELECT obey('coord_a', 'coord_b');
SELECT node_host FROM get_coordinator('dist');
SELECT formation_uri('dist');

SELECT report('worker_a', 'primary');
SELECT obey();
SELECT state();

-- D15: number_sync_standbys is checked in every group, not only in that of the coordinator.
SELECT fails($$SELECT pgautofailover.set_formation_number_sync_standbys('dist', 1)$$);
-- The second standby of one group does not raise it either: in the other groups the loss of one standby would stop writes.
SELECT register('coord_c', formation => 'dist', grp => 0, kind => 'coordinator');
SELECT obey();
SELECT ask($$set_node_replication_quorum('dist', 'coord_c', true)$$);
SELECT obey();
SELECT fails($$SELECT pgautofailover.set_formation_number_sync_standbys('dist', 1)$$);

-- Back to 0: the groups that have standbys apply it; the lone worker has nothing to apply.
SELECT works($$SELECT pgautofailover.set_formation_number_sync_standbys('dist', 0)$$);
SELECT state();
SELECT obey();
SELECT state();

-- The second standby of one group leaves: the other groups go on.
SELECT ask('remove_node(id(''coord_c''))');
SELECT obey();
SELECT state();
