-- A standby is told to follow the winner of an election, and all other nodes are removed before it says that it has heard of it. It is
-- told to serve alone as what it last said to be, and steps back first from what it has become.
\set ECHO none
\i sql/include/transcript.sql
\set ECHO all

SELECT group_of('a', 'b', 'c');
SELECT silent('a');
SELECT report('b', 'report_lsn');
SELECT report('c', 'report_lsn');
SELECT report('b', 'prepare_promotion');
SELECT ask('remove_node(1, true)');
SELECT ask('remove_node(2, true)');
SELECT report('b', 'dropped', '0/3000');
SELECT report('a', 'dropped', '0/3000');
SELECT time_passes('3 h');
SELECT report('c', 'join_secondary');
SELECT obey('c');
SELECT time_passes('3 h');
SELECT obey('c');
SELECT state();
