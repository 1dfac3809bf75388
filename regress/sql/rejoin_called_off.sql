-- The old primary is told to follow its successor, whose operator removes it before that is done, and the other standby is lost:
-- the old primary reports its position. It lacks what the successor wrote, and serves when the operator accepts that.
\set ECHO none
\i sql/include/transcript.sql
\set ECHO all

SELECT group_of('a', 'b', 'c');
SELECT silent('a');
SELECT report('b', 'report_lsn', '0/5000');
SELECT report('c', 'report_lsn', '0/5000');
SELECT report('b', 'prepare_promotion', '0/5000');
SELECT report('b', 'wait_primary', '0/5100', tli => 2);
SELECT report('a', 'demoted', '0/5000', running => false);
SELECT silent('c');
SELECT ask('remove_node(id(''b''))');
SELECT report('b', 'dropped', '0/6000', tli => 2, running => false);
SELECT time_passes('4 h');
SELECT obey('a');
SELECT why();

BEGIN;
SET LOCAL pgautofailover.guard_data_loss TO off;
SELECT ask('perform_failover()');
COMMIT;
SELECT time_passes('4 h');
SELECT obey('a');
SELECT state();
