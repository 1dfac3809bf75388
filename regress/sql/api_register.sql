-- Registration: every refusal with its SQLSTATE, and what a node gets.
\set ECHO none
\i sql/include/transcript.sql
\set ECHO all

SELECT works($$SELECT * FROM pgautofailover.register_node('default', 'h1', 5432, 'postgres')$$);
SELECT fails($$SELECT pgautofailover.register_node('nowhere', 'h2', 5432, 'postgres')$$);
SELECT fails($$SELECT pgautofailover.register_node('default', 'h2', 5432, 'postgres', node_kind => 'primary')$$);
SELECT fails($$SELECT pgautofailover.register_node('default', 'h2', 5432, 'postgres', node_kind => 'worker')$$);
SELECT fails($$SELECT pgautofailover.register_node('default', 'h2', 5432, 'postgres', node_kind => 'unknown')$$);
SELECT fails($$SELECT pgautofailover.register_node('default', 'h2', 5432, 'other')$$);
SELECT fails($$SELECT pgautofailover.register_node('default', 'h2', 5432, 'postgres', desired_group_id => 1)$$);
SELECT fails($$SELECT pgautofailover.register_node('default', 'h1', 5432, 'postgres')$$);
SELECT fails($$SELECT pgautofailover.register_node('default', 'h2', 5432, 'postgres', 'node_1')$$);
SELECT fails($$SELECT pgautofailover.register_node('default', 'h2', 5432, 'postgres', desired_node_id => 1)$$);
SELECT fails($$SELECT pgautofailover.register_node('default', '', 5432, 'postgres')$$);
SELECT fails($$SELECT pgautofailover.register_node('default', 'h2', 0, 'postgres')$$);
SELECT fails($$SELECT pgautofailover.register_node('default', 'h2', 65536, 'postgres')$$);
SELECT fails($$SELECT pgautofailover.register_node('default', 'h2', 5432, 'postgres', initial_group_role => 'unknown')$$);

-- D14: the candidate priority is checked here too, and a node of a read-only cluster has priority 0.
SELECT fails($$SELECT pgautofailover.register_node('default', 'h2', 5432, 'postgres', candidate_priority => 500)$$);
SELECT fails($$SELECT pgautofailover.register_node('default', 'h2', 5432, 'postgres', candidate_priority => -1)$$);
SELECT fails($$SELECT pgautofailover.register_node('default', 'h2', 5432, 'postgres', node_cluster => 'ro', candidate_priority => 50)$$);

-- A running cluster can be the first node, and nothing else.
SELECT fails($$SELECT pgautofailover.register_node('default', 'h2', 5432, 'postgres', sysidentifier => 1, initial_group_role => 'single')$$);

-- A node that has data but no system identifier is refused by the table.
SELECT works($$SELECT * FROM pgautofailover.create_formation('f', 'pgsql', 'app', true, 0)$$);
SELECT fails($$SELECT pgautofailover.register_node('f', 'h2', 5432, 'app', initial_group_role => 'single')$$);
SELECT works($$SELECT * FROM pgautofailover.register_node('f', 'h2', 5432, 'app', 'x', 7, initial_group_role => 'single')$$);

-- Another cluster cannot join (the check is done at commit).
SELECT fails($$SELECT pgautofailover.register_node('f', 'h3', 5432, 'app', 'y', 8)$$);

-- An empty formation takes the kind and the database of its first node.
SELECT works($$SELECT * FROM pgautofailover.create_formation('g', 'pgsql', 'app', true, 0)$$);
SELECT fails($$SELECT pgautofailover.register_node('g', 'h3', 5432, 'app', node_kind => '')$$);
SELECT works($$SELECT * FROM pgautofailover.register_node('g', 'h3', 5432, 'shop', node_kind => 'coordinator')$$);
SELECT kind, dbname FROM formation WHERE formationid = 'g';

-- A group without a primary takes nobody (55006: the client tries again), except when its nodes can only report their LSN.
SELECT works($$SELECT * FROM pgautofailover.create_formation('e', 'pgsql', 'app', true, 0)$$);
SELECT fails($$SELECT pgautofailover.register_node('e', 'h4', 5432, 'app', candidate_priority => 0)$$);

SELECT ask('remove_node(1)');
SELECT fails($$SELECT pgautofailover.register_node('default', 'h2', 5432, 'postgres', candidate_priority => 0)$$);
SELECT register('p', formation => 'e');
SELECT obey();
SELECT register('q', formation => 'e', priority => 0);
SELECT obey();
SELECT ask('remove_node(id(''p''), true)');
SELECT report('q', 'report_lsn', '0/3000');
SELECT works($$SELECT * FROM pgautofailover.register_node('e', 'h5', 5432, 'postgres', candidate_priority => 50)$$);

-- D14: names of citus nodes do not collide after a removal.
SELECT works($$SELECT * FROM pgautofailover.create_formation('c', 'citus', 'app', true, 0)$$);
SELECT works($$SELECT assigned_group_id, assigned_node_name, assigned_group_state
                 FROM pgautofailover.register_node('c', 'w1', 5432, 'app', node_kind => 'coordinator')$$);
SELECT works($$SELECT assigned_group_id, assigned_node_name, assigned_group_state
                 FROM pgautofailover.register_node('c', 'w2', 5432, 'app', node_kind => 'worker')$$);
SELECT works($$SELECT assigned_group_id, assigned_node_name, assigned_group_state
                 FROM pgautofailover.register_node('c', 'w3', 5432, 'app', node_kind => 'worker')$$);
SELECT works($$SELECT assigned_group_id, assigned_node_name, assigned_group_state
                 FROM pgautofailover.register_node('c', 'w4', 5432, 'app', node_kind => 'worker')$$);
SELECT works($$SELECT assigned_group_id, assigned_node_name, assigned_group_state
                 FROM pgautofailover.register_node('c', 'w5', 5432, 'app', desired_group_id => 5, node_kind => 'worker')$$);
SELECT ask($$remove_node('w3', 5432, true)$$);
SELECT works($$SELECT assigned_group_id, assigned_node_name, assigned_group_state
                 FROM pgautofailover.register_node('c', 'w6', 5432, 'app', node_kind => 'worker')$$);
SELECT works($$SELECT assigned_group_id, assigned_node_name, assigned_group_state
                 FROM pgautofailover.register_node('c', 'w7', 5432, 'app', desired_group_id => 1, node_kind => 'worker')$$);

-- D14: the next id after a desired one is the next one.
SELECT works($$SELECT * FROM pgautofailover.create_formation('ids', 'pgsql', 'app', true, 0)$$);
SELECT works($$SELECT assigned_node_id FROM pgautofailover.register_node('ids', 'i1', 5432, 'app', desired_node_id => 100)$$);
SELECT works($$SELECT assigned_node_id FROM pgautofailover.register_node('ids', 'i2', 5432, 'app')$$);
SELECT works($$SELECT assigned_node_id FROM pgautofailover.register_node('ids', 'i3', 5432, 'app', desired_node_id => 50)$$);
SELECT works($$SELECT assigned_node_id FROM pgautofailover.register_node('ids', 'i4', 5432, 'app')$$);

-- number_sync_standbys becomes 1 with the second standby of the quorum, and is left alone after that.
SELECT formationid, number_sync_standbys FROM formation WHERE formationid = 'ids';

-- Secondaries are switched off.
SELECT works($$SELECT * FROM pgautofailover.create_formation('alone', 'pgsql', 'app', false, 0)$$);
SELECT works($$SELECT assigned_group_state FROM pgautofailover.register_node('alone', 'j1', 5432, 'app')$$);
SELECT fails($$SELECT pgautofailover.register_node('alone', 'j2', 5432, 'app')$$);
