-- A lagging node is promoted by its name: in an election it first fetches what it lacks from the one that has it.
\set ECHO none
\i sql/include/transcript.sql
\set ECHO all

SELECT group_of('a', 'b', 'c');

-- The primary is lost, c is behind; the operator wants c.
SELECT silent('a');
SELECT report('b', 'report_lsn', '0/6000');
SELECT fails($$SELECT pgautofailover.perform_promotion('default', 'c')$$);
SELECT report('c', 'report_lsn', '0/4000');
SELECT obey('b', 'c');
SELECT state();

-- Again, now from the start: a switchover to c, in which a dies before c has everything.
SELECT report('a', 'primary', '0/6000');
SELECT obey();
SELECT ask($$perform_promotion('default', 'c')$$);
SELECT silent('b');
SELECT report('a', 'report_lsn', '0/7000');
SELECT report('c', 'report_lsn', '0/6800');
SELECT why();
SELECT get_most_advanced_standby('default', 0, id('c'));

-- It could not fetch it all: it must not be promoted as it is, and tries again.
SELECT report('c', 'fast_forward', '0/6900');
SELECT report('c', 'report_lsn', '0/6900');
SELECT report('c', 'fast_forward', '0/7000');
SELECT report('c', 'prepare_promotion');
SELECT obey('a', 'c');
SELECT state();

-- D17: nobody's candidate priority was touched for it.
SELECT nodename, candidatepriority FROM node ORDER BY nodeid;

-- The one that has the WAL is lost while it is fetched: the election starts anew and waits, for what b and c may have acknowledged
-- is nowhere else.
SELECT report('b', 'primary', '0/7000');
SELECT obey();
SELECT silent('c');
SELECT report('b', 'report_lsn', '0/9000');
SELECT ask($$set_node_candidate_priority('default', 'b', 10)$$);
SELECT report('a', 'report_lsn', '0/8000');
SELECT silent('b');
SELECT why();
SELECT report('b', 'report_lsn', '0/9000');
SELECT report('a', 'report_lsn', '0/8000');
SELECT report('a', 'fast_forward', '0/9000');
SELECT obey('a', 'b');
SELECT state();
