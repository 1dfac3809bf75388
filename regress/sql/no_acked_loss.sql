-- Claim NoAckedLoss: a commit that was acknowledged in state primary survives every failover that the monitor performs on its own.
-- Each acknowledged commit is on k of the n standbys of the quorum, so n - k + 1 of them must have stopped and reported.
\set ECHO none
\i sql/include/transcript.sql
\set ECHO all

SELECT group_of('a', 'b', 'c');
SELECT synchronous_standby_names();

-- n = 2, k = 1. The primary and one standby are lost: the other may lack commits that only those two have.
SELECT silent('a', 'c');
SELECT report('b', 'report_lsn', '0/4000');
SELECT why();

-- Time does not change that.
SELECT time_passes('30 days');

-- An operator decides: data loss is accepted.
BEGIN;
SET LOCAL pgautofailover.guard_data_loss TO off;
SELECT ask('perform_failover()');
COMMIT;
SELECT obey('b');
SELECT state();
SELECT report('a', 'primary');
SELECT report('c', 'report_lsn');
SELECT obey();
SELECT state();

-- The other way: the standby comes back instead, and has more.
SELECT silent('a', 'b');
SELECT report('c', 'report_lsn', '0/6000');
SELECT report('a', 'secondary');
SELECT report('a', 'report_lsn', '0/5000');
SELECT report('a', 'fast_forward', '0/6000');
SELECT obey('a', 'c');
SELECT state();
SELECT report('b', 'primary');
SELECT obey();

-- n = 3, k = 2: two reports of three are enough.
SELECT register('d');
SELECT obey();
SELECT ask($$set_formation_number_sync_standbys('default', 2)$$);
SELECT obey();
SELECT synchronous_standby_names();
SELECT silent('a', 'd');
SELECT report('b', 'report_lsn', '0/7000');
SELECT why();
SELECT report('c', 'report_lsn', '0/7100');
SELECT obey('b', 'c');
SELECT state();
SELECT report('a', 'primary');
SELECT report('d', 'report_lsn');
SELECT obey();
SELECT state();

-- A standby outside the quorum proves nothing, and its position counts all the same.
SELECT ask($$set_formation_number_sync_standbys('default', 1)$$);
SELECT obey();
SELECT ask($$set_node_replication_quorum('default', 'd', false)$$);
SELECT obey();
SELECT synchronous_standby_names();
SELECT state();
