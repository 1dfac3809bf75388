-- An operator removes a primary that had written what no other node has: the group waits, says for what, and goes on when the
-- operator accepts the loss.
\set ECHO none
\i sql/include/transcript.sql
\set ECHO all

SELECT group_of('a', 'b', 'c');
SELECT ask('set_formation_number_sync_standbys(''default'', 0)');
SELECT obey('a');
SELECT ask('set_node_replication_quorum(''default'', ''c'', false)');
SELECT obey('a');

-- Its only synchronous standby is lost, and it goes on alone.
SELECT silent('b');
SELECT report('a', 'wait_primary', '0/9000');
SELECT ask('remove_node(1)');
SELECT report('a', 'dropped', '0/9000');
SELECT time_passes('3 h');
SELECT obey('c');
SELECT why();
SELECT ask('perform_failover()');

BEGIN;
SET LOCAL pgautofailover.guard_data_loss TO off;
SELECT ask('perform_failover()');
COMMIT;
SELECT obey('c');
SELECT state();

-- A standby that may have acknowledged is removed by force while the primary is lost.
SELECT register('d');
SELECT obey('c', 'd');
SELECT register('e');
SELECT obey('c', 'd', 'e');
SELECT ask('set_node_replication_quorum(''default'', ''c'', true)');
SELECT obey('c', 'd', 'e');
SELECT synchronous_standby_names();
SELECT silent('c');
SELECT ask('remove_node(id(''e''), true)');
SELECT obey('d');
SELECT why();
SELECT ask('remove_node(id(''c''), true)');
SELECT why();
