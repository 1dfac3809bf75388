-- Candidate priority, replication quorum, number_sync_standbys: when they are refused.
\set ECHO none
\i sql/include/transcript.sql
\set ECHO all

SELECT fails($$SELECT pgautofailover.set_node_candidate_priority('default', 'a', 50)$$);
SELECT fails($$SELECT pgautofailover.set_node_replication_quorum('default', 'a', false)$$);
SELECT fails($$SELECT pgautofailover.set_formation_number_sync_standbys('default', 0)$$);
SELECT fails($$SELECT pgautofailover.set_formation_number_sync_standbys('nowhere', 0)$$);
SELECT fails($$SELECT pgautofailover.set_formation_number_sync_standbys('default', -1)$$);
SELECT register('a');
SELECT obey();
SELECT fails($$SELECT pgautofailover.set_formation_number_sync_standbys('default', 0)$$);
SELECT works($$SELECT pgautofailover.set_node_candidate_priority('default', 'a', 50)$$);
SELECT works($$SELECT pgautofailover.set_node_replication_quorum('default', 'a', false)$$);
SELECT works($$SELECT pgautofailover.set_node_replication_quorum('default', 'a', true)$$);
SELECT rule, description, candidatepriority, replicationquorum FROM event ORDER BY eventid DESC LIMIT 3;

SELECT fails($$SELECT pgautofailover.set_node_candidate_priority('default', 'a', 101)$$);
SELECT fails($$SELECT pgautofailover.set_node_candidate_priority('default', 'a', -1)$$);
SELECT register('ro', priority => 0, cluster => 'reports');
SELECT obey();
SELECT fails($$SELECT pgautofailover.set_node_candidate_priority('default', 'ro', 1)$$);
SELECT works($$SELECT pgautofailover.set_node_candidate_priority('default', 'ro', 0)$$);

-- The primary is applying settings: try again (55000), and nothing is changed.
SELECT obey();
SELECT register('b');
SELECT obey();
SELECT works($$SELECT pgautofailover.set_formation_number_sync_standbys('default', 1)$$);
SELECT fails($$SELECT pgautofailover.set_formation_number_sync_standbys('default', 0)$$);
UPDATE node SET reportedstate = 'apply_settings' WHERE nodeid = 1;
SELECT fails($$SELECT pgautofailover.set_node_candidate_priority('default', 'b', 10)$$);
SELECT fails($$SELECT pgautofailover.set_node_replication_quorum('default', 'b', true)$$);
SELECT obey();
SELECT fails($$SELECT pgautofailover.set_formation_number_sync_standbys('default', 2)$$);
SELECT fails($$SELECT pgautofailover.set_node_replication_quorum('default', 'b', false)$$);
SELECT works($$SELECT pgautofailover.set_formation_number_sync_standbys('default', 0)$$);
SELECT obey();
SELECT works($$SELECT pgautofailover.set_node_replication_quorum('default', 'b', false)$$);
SELECT obey();
SELECT synchronous_standby_names();

-- During a failover: the priority may be changed, which may decide the election; leaving the quorum needs a primary.
SELECT works($$SELECT pgautofailover.set_node_replication_quorum('default', 'b', true)$$);
SELECT obey();
SELECT silent('a');
SELECT state();
SELECT fails($$SELECT pgautofailover.set_node_replication_quorum('default', 'b', false)$$);
SELECT fails($$SELECT pgautofailover.set_formation_number_sync_standbys('default', 0)$$);
SELECT works($$SELECT pgautofailover.set_node_candidate_priority('default', 'b', 10)$$);
SELECT works($$SELECT pgautofailover.set_node_replication_quorum('default', 'b', true)$$);

-- Going to 0 with fewer than two candidates left: a notice, with its SQLSTATE.
\set VERBOSITY sqlstate
SELECT set_node_candidate_priority('default', 'b', 0);
\set VERBOSITY default
SELECT state();
