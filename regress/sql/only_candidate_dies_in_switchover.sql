-- A planned switchover, and the only standby that may become primary dies before it takes over. The old primary has stopped in good
-- order; nobody else may serve: it resumes.
\set ECHO none
\i sql/include/transcript.sql
\set ECHO all

SELECT group_of('a', 'b', 'c');
SELECT ask('set_node_candidate_priority(''default'', ''c'', 0)');
SELECT obey('a');

SELECT ask('perform_failover()');
SELECT silent('b');
SELECT report('a', 'draining', '0/6000');
SELECT time_passes('3 h');
SELECT obey('c');
SELECT time_passes('3 h');
SELECT why();
SELECT report('c', 'report_lsn');
SELECT report('a', 'report_lsn', '0/6078');
SELECT time_passes('3 h');
SELECT obey('a', 'c');
SELECT state();
