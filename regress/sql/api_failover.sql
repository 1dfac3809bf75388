-- perform_failover and perform_promotion: when they are refused.
\set ECHO none
\i sql/include/transcript.sql
\set ECHO all

SELECT fails($$SELECT pgautofailover.perform_failover()$$);
SELECT fails($$SELECT pgautofailover.perform_failover('nowhere')$$);
SELECT fails($$SELECT pgautofailover.perform_failover('default', 2147483647)$$);
SELECT fails($$SELECT pgautofailover.perform_promotion('default', 'a')$$);
SELECT register('a');
SELECT obey();
SELECT fails($$SELECT pgautofailover.perform_failover()$$);
SELECT works($$SELECT pgautofailover.perform_promotion('default', 'a')$$);
\set VERBOSITY sqlstate
SELECT perform_promotion('default', 'a');
\set VERBOSITY default
SELECT register('b');
SELECT fails($$SELECT pgautofailover.perform_failover()$$);
SELECT fails($$SELECT pgautofailover.perform_promotion('default', 'b')$$);
SELECT report('b', 'wait_standby');
SELECT fails($$SELECT pgautofailover.perform_failover()$$);
SELECT obey();
SELECT works($$SELECT pgautofailover.perform_promotion('default', 'a')$$);

-- The standby has priority 0: refused while there are only two.
SELECT ask($$set_node_candidate_priority('default', 'b', 0)$$);
SELECT obey();
SELECT fails($$SELECT pgautofailover.perform_failover()$$);
SELECT ask($$set_node_candidate_priority('default', 'b', 100)$$);
SELECT fails($$SELECT pgautofailover.perform_failover()$$);
SELECT obey();

SELECT works($$SELECT pgautofailover.perform_failover('default', 0)$$);
SELECT state();
-- Asking twice.
SELECT fails($$SELECT pgautofailover.perform_failover('default', 0)$$);
SELECT fails($$SELECT pgautofailover.perform_promotion('default', 'a')$$);
SELECT report('a', 'draining', '0/4000');
SELECT report('b', 'secondary', '0/4078');
SELECT fails($$SELECT pgautofailover.perform_failover('default', 0)$$);
SELECT obey();
SELECT works($$SELECT pgautofailover.perform_promotion('default', 'a')$$);
SELECT report('b', 'draining', '0/5000');
SELECT report('a', 'secondary', '0/5078');
SELECT obey();
SELECT state();

-- While the group waits for an election, the call looks again.
SELECT register('c');
SELECT obey();
SELECT silent('a');
SELECT silent('c');
SELECT report('b', 'report_lsn', '0/6000');
SELECT works($$SELECT pgautofailover.perform_failover()$$);
SELECT works($$SELECT pgautofailover.perform_promotion('default', 'b')$$);
SELECT state();

-- Three nodes, and none that could take over: the primary is not told to drain.
SELECT report('c', 'report_lsn');
SELECT obey();
SELECT ask($$set_node_candidate_priority('default', 'a', 0)$$);
SELECT obey();
SELECT ask($$set_node_candidate_priority('default', 'c', 0)$$);
SELECT obey();
SELECT fails($$SELECT pgautofailover.perform_failover()$$);
