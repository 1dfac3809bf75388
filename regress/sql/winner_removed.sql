-- The node that was chosen is removed by its operator, before or after it is promoted.
\set ECHO none
\i sql/include/transcript.sql
\set ECHO all

-- a is lost, b has the furthest position, is chosen, and removed before it is promoted. It stops as a standby: its last checkpoint
-- is older than what it has received, and does not show that c has everything.
SELECT group_of('a', 'b', 'c');
SELECT silent('a');
SELECT report('b', 'report_lsn', '0/5000');
SELECT report('c', 'report_lsn', '0/4000');
SELECT ask('remove_node(id(''b''))');
SELECT report('b', 'dropped', '0/3000');
SELECT obey('c');
SELECT time_passes('4 h');
SELECT why();

-- a has what b had, and more.
SELECT report('a', 'report_lsn', '0/6000');
SELECT obey();
SELECT state();

-- c wins by its operator's word, is removed by force, and the only other standby is lost: the primary of before, which has stopped,
-- is all that is left.
SELECT register('d');
SELECT obey();
SELECT report('a', 'primary', '0/8000', running => false);
SELECT report('a', 'draining', '0/0', running => false);
SELECT report('c', 'report_lsn', '0/8000', tli => 1);
BEGIN;
SET LOCAL pgautofailover.guard_data_loss TO off;
SELECT ask('perform_failover()');
COMMIT;
SELECT report('c', 'prepare_promotion', '0/8000');
SELECT report('c', 'wait_primary', '0/8100', tli => 2);
SELECT silent('d');
SELECT ask('remove_node(id(''c''), true)');
SELECT why();
SELECT report('a', 'demoted', '0/8000', running => false);
SELECT obey('a');
SELECT time_passes('1 h');
SELECT obey('a');
SELECT state();
