-- Removal of the primary.
\set ECHO none
\i sql/include/transcript.sql
\set ECHO all

SELECT group_of('a', 'b');

-- Alive: its keeper stops Postgres in good order, and the standby takes over what it has received.
SELECT ask('remove_node(id(''a''))');
SELECT why();
SELECT report('a', 'dropped', '0/4000');
SELECT why();
SELECT report('b', 'secondary', '0/4078');
SELECT obey();
SELECT state();

-- Dead: nothing that it acknowledged is lost, as its standby had it.
SELECT register('a');
SELECT obey();
SELECT silent('b');
SELECT ask('remove_node(id(''b''))');
SELECT obey('a');
SELECT state();

-- The row of a node that will never report that it is dropped is removed by force.
SELECT ask('remove_node(id(''b''), true)');

-- By force, while it lives: an election, for nobody can stop it in good order. Its keeper learns it from its next report.
SELECT register('b');
SELECT obey();
SELECT ask('remove_node(id(''a''), true)');
SELECT report('b', 'report_lsn');
SELECT obey();
SELECT state();

-- A primary that has no standby that could follow.
SELECT register('c', priority => 0);
SELECT obey();
SELECT ask('remove_node(id(''b''))');
SELECT report('b', 'dropped', '0/5000');
SELECT report('c', 'secondary', '0/5078');
SELECT obey();
SELECT state();
SELECT why();

-- The operator gives it a priority.
SELECT ask($$set_node_candidate_priority('default', 'c', 50)$$);
SELECT obey();
SELECT state();
