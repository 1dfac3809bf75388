-- Three nodes: a planned switchover, a node promoted by its name, and the loss of the primary.
\set ECHO none
\i sql/include/transcript.sql
\set ECHO all

SELECT group_of('a', 'b', 'c');
SELECT synchronous_standby_names();

-- A planned switchover. Only the primary is told; of the two that have everything, the first of equal priority takes over.
SELECT ask('perform_failover()');
SELECT report('a', 'draining', '0/4000');

-- c has everything, b of the same priority not yet: c need not wait, as it has the same claim.
SELECT report('c', 'secondary', '0/4078');
SELECT why();

-- The other one stops receiving from the old primary and follows.
SELECT report('b', 'report_lsn', '0/4078');
SELECT report('c', 'prepare_promotion');
SELECT report('b', 'join_secondary');
SELECT report('a', 'demoted');
SELECT report('c', 'wait_primary', '0/40F0', tli => 2);
SELECT obey();
SELECT state();
SELECT synchronous_standby_names();

-- An operator names the node. b is far behind at first; the others wait for it.
SELECT ask($$perform_promotion('default', 'b')$$);
SELECT report('c', 'draining', '0/5000');
SELECT report('a', 'secondary', '0/5078');
SELECT report('b', 'secondary', '0/4800');
SELECT why();
SELECT report('b', 'secondary', '0/5078');
SELECT obey();
SELECT state();

-- The primary is lost: of two standbys both have to report, or one that proves enough. number_sync_standbys is 1 and there are two:
-- a commit may be on either, so both must be asked.
SELECT silent('b');
SELECT report('a', 'report_lsn', '0/6000');
SELECT why();
SELECT report('c', 'report_lsn', '0/6000');
SELECT obey('a', 'c');
SELECT state();

-- The old primary comes back.
SELECT report('b', 'primary', '0/6100');
SELECT obey();
SELECT state();
