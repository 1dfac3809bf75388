-- Removal of a standby: in good order, and by force.
\set ECHO none
\i sql/include/transcript.sql
\set ECHO all

SELECT group_of('a', 'b');

-- Its keeper stops and cleans up first; the primary stops waiting for it at once.
SELECT ask('remove_node(id(''b''))');
SELECT report('a', 'wait_primary');
SELECT ask('remove_node(id(''b''))');
SELECT report('b', 'dropped', '0/0');
SELECT state();

-- The last report of its keeper is answered, also when it comes twice.
SELECT register('b');
SELECT obey();
SELECT ask('remove_node(id(''b''))');
SELECT assigned_group_state FROM node_active('default', id('b'), 0, 'dropped', false, 1, '0/0');
SELECT fails('SELECT pgautofailover.node_active(''default'', 2, 0, ''dropped'', false)');
SELECT obey();
SELECT state();

-- By force: its row is gone at once. Its keeper learns it from the error that its next report gets.
SELECT register('b');
SELECT obey();
SELECT ask('remove_node(id(''b''), true)');
SELECT obey();
SELECT state();

-- A dead standby is removed by force.
SELECT register('b');
SELECT obey();
SELECT silent('b');
SELECT obey('a');
SELECT ask('remove_node(id(''b''), force => true)');
SELECT state();

-- One of two: number_sync_standbys, raised to 1 when the second standby came, goes back to 0, and the primary waits for the other.
SELECT register('b');
SELECT obey();
SELECT register('c');
SELECT obey();
SELECT synchronous_standby_names();
SELECT ask('remove_node(id(''b''))');
SELECT obey();
SELECT state();
SELECT synchronous_standby_names();
SELECT why();

-- Both at once.
SELECT register('b');
SELECT obey();
SELECT ask('remove_node(id(''b''))');
SELECT ask('remove_node(id(''c''))');
SELECT obey();
SELECT state();
