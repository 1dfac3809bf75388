-- Claim NoAckedLoss: a commit that was acknowledged in state primary survives every failover that the monitor performs on its own.
-- Each acknowledged commit is on k of the n standbys of the quorum, so n - k + 1 of them must have stopped and reported.
\set ECHO none
\i sql/include/transcript.sql
\set ECHO all

SELECT group_of('a', 'b', 'c');
SELECT synchronous_standby_names();

-- n = 2, k = 1. The primary and one standby are lost: the other may lack commits that only those two have.
SELECT silent('a', 'c');
SELECT why();

-- Time does not change that.
SELECT time_passes('30 days');

-- An operator decides: data loss is accepted.
BEGIN;
SET LOCAL pgautofailover.guard_data_loss TO off;
SELECT ask('perform_failover()');
COMMIT;

-- Even so, not before the lease of a has run out (one hour here): a and c may still be there, and acknowledge commits.
SELECT report('b', 'report_lsn', '0/4000');
SELECT why();
SELECT time_passes('61 min');
SELECT obey('b');
SELECT state();
SELECT report('a', 'primary');
SELECT report('c', 'report_lsn');
SELECT obey();
SELECT state();

-- The other way: b, now the primary, and a are lost. c waits, until a is back; what a has not got, it fetches from c.
SELECT silent('b', 'a');
SELECT why();
SELECT report('a', 'secondary', '0/5000');
SELECT ask($$set_node_candidate_priority('default', 'c', 50)$$);
SELECT report('c', 'report_lsn', '0/6000');
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

-- With one standby of three, number_sync_standbys = 2 makes writes wait, and nothing takes the primary away.
SELECT why();
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
