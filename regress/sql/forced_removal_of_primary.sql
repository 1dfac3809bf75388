-- D18: the primary is removed by force and two nodes are left: they elect a primary.
\set ECHO none
\i sql/include/transcript.sql
\set ECHO all

SELECT group_of('a', 'b', 'c');
SELECT ask('remove_node(id(''a''), true)');
SELECT why();
SELECT report('b', 'report_lsn', '0/5000');
SELECT report('c', 'report_lsn', '0/6000');
SELECT obey();
SELECT state();
SELECT synchronous_standby_names();

-- The removed node may still be running: its keeper is refused, and it finds no standby that acknowledges its commits.
SELECT fails($$SELECT pgautofailover.node_active('default', 1, 0, 'primary', true, 1, '0/6000', 'quorum')$$);

-- Removed in good order, with two survivors: the best of them takes over without an election.
SELECT register('a');
SELECT obey();
SELECT ask('remove_node(id(''c''))');
SELECT report('c', 'dropped', '0/7000');
SELECT report('b', 'secondary', '0/7078');
SELECT obey();
SELECT state();

-- Removed in good order, but it dies before it has stopped.
SELECT register('c');
SELECT obey();
SELECT ask('remove_node(id(''b''))');
SELECT silent('b');
SELECT report('a', 'report_lsn', '0/8000');
SELECT report('c', 'report_lsn', '0/8000');
SELECT obey('a', 'c');
SELECT state();
SELECT ask('remove_node(id(''b''), true)');

-- Removed by force while an election is in progress.
SELECT register('b');
SELECT obey();
SELECT silent('a');
SELECT ask('remove_node(id(''a''), true)');
SELECT report('b', 'report_lsn', '0/9000');
SELECT report('c', 'report_lsn', '0/9000');
SELECT obey();
SELECT state();

-- D4: no primary, and a node that waits for it: for its maintenance, or to follow a winner that is gone.
SELECT ask('start_maintenance(id(''b''))');
SELECT ask('remove_node(id(''c''), true)');
SELECT report('b', 'wait_maintenance');
SELECT report('b', 'report_lsn', '0/9000');
SELECT time_passes('61 min');
SELECT obey();
SELECT register('c');
SELECT obey();
SELECT register('d');
SELECT obey();
SELECT silent('b');
SELECT report('c', 'report_lsn', '0/9500');
SELECT report('d', 'report_lsn', '0/9500');
SELECT report('c', 'prepare_promotion');
SELECT report('d', 'join_secondary');
SELECT ask('remove_node(id(''c''), true)');
SELECT ask('remove_node(id(''b''), true)');
SELECT report('d', 'join_secondary');
SELECT report('d', 'report_lsn', '0/9500');
SELECT time_passes('61 min');
SELECT obey();
SELECT state();
