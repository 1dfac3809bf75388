-- An old primary is told to take part in an election and goes on to report its position. Before it says so another node is elected
-- and serves, and it is told to rejoin, as what it last said to be. It follows from what it is by now.
\set ECHO none
\i sql/include/transcript.sql
\set ECHO all

SELECT group_of('a', 'b');
SELECT ask('set_node_replication_quorum(''default'', ''b'', false)');
SELECT obey('a');

-- a stops itself for want of contact; the Postgres of b is down: only a can tell what was acknowledged.
SELECT report('a', 'primary', '0/8000', running => false);
SELECT report('b', 'report_lsn', '0/8000', running => false);
SELECT report('a', 'demote_timeout', '0/0');
SELECT report('a', 'demoted', '0/0');

-- b is back before a has said anything more: it is elected, and serves.
SELECT report('b', 'report_lsn', '0/8000');
SELECT obey('b');
SELECT state();

-- a says what it has become meanwhile.
SELECT report('a', 'report_lsn', '0/8000');
SELECT obey();
SELECT state();
