-- Candidate priorities decide who takes over; a node of priority 0 never does.
\set ECHO none
\i sql/include/transcript.sql
\set ECHO all

SELECT group_of('a', 'b', 'c', 'd');
SELECT ask($$set_node_candidate_priority('default', 'b', 50)$$);
SELECT obey();
SELECT ask($$set_node_candidate_priority('default', 'd', 0)$$);
SELECT obey();

-- Of b (50), c (100) and d (0), c is elected, although d has reported more.
SELECT silent('a');
SELECT report('b', 'report_lsn', '0/4000');
SELECT report('d', 'report_lsn', '0/5000');
SELECT why();
SELECT report('c', 'report_lsn', '0/4000');

-- c first fetches from d what it lacks.
SELECT get_most_advanced_standby('default', 0, id('c'));
SELECT report('c', 'fast_forward', '0/5000');
SELECT obey('b', 'c', 'd');
SELECT state();

-- The candidate of the highest priority is lost as well: after election_patience nobody waits for it.
SELECT silent('c');
SELECT report('b', 'report_lsn', '0/6000');
SELECT report('d', 'report_lsn', '0/6000');
SELECT obey('b', 'd');
SELECT state();

-- All others have priority 0: no failover.
SELECT ask($$set_node_candidate_priority('default', 'a', 0)$$);
SELECT ask($$set_node_candidate_priority('default', 'c', 0)$$);
SELECT obey();
SELECT state();
SELECT fails('SELECT pgautofailover.perform_failover()');
SELECT silent('b');
SELECT why();
SELECT report('b', 'primary');
SELECT state();

-- An operator may name a node of priority 0 (and so pgaf can promote a node of a read-only cluster).
SELECT ask($$perform_promotion('default', 'd')$$);
SELECT report('b', 'draining', '0/7000');
SELECT report('d', 'secondary', '0/7078');
SELECT obey();
SELECT state();
