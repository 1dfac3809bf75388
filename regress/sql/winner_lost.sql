-- The node that was chosen is lost before it is promoted, or while it is.
\set ECHO none
\i sql/include/transcript.sql
\set ECHO all

SELECT group_of('a', 'b', 'c');
SELECT silent('a');
SELECT report('b', 'report_lsn', '0/5000');
SELECT report('c', 'report_lsn', '0/5000');

-- b is chosen, and dies before it is heard of again.
SELECT silent('b');
SELECT why();

-- All come back; b had prepared its promotion, and has to report its position once more.
SELECT report('b', 'prepare_promotion');
SELECT report('b', 'report_lsn');
SELECT obey('b', 'c');
SELECT report('a', 'primary');
SELECT obey();
SELECT state();

-- Once more; now the old primary is back first, tells its position, and another node is promoted. The winner of before has walked
-- on, and hears of it last.
SELECT silent('b');
SELECT report('a', 'report_lsn', '0/5800');
SELECT report('c', 'report_lsn', '0/5800');
SELECT silent('a');
SELECT report('b', 'demoted', '0/0');
SELECT time_passes('4 h');
SELECT report('b', 'report_lsn', '0/5800');
SELECT obey('b', 'c');
SELECT state();
SELECT report('a', 'prepare_promotion');
SELECT obey();
SELECT state();

-- The winner dies while it is being promoted: the others hold an election without it. What it may have written on its new
-- timeline was acknowledged by nobody.
SELECT silent('b');
SELECT report('a', 'report_lsn', '0/6000');
SELECT report('c', 'report_lsn', '0/6000');
SELECT report('a', 'prepare_promotion');
SELECT report('c', 'join_secondary');
SELECT silent('a');
SELECT why();
SELECT report('c', 'report_lsn');
SELECT time_passes('61 min');
SELECT obey('c');
SELECT state();

-- a had been promoted, and is not believed.
SELECT report('a', 'wait_primary', '0/6100', tli => 3);
SELECT report('b', 'primary');
SELECT obey();
SELECT state();

-- In a planned switchover the one that takes over dies: another one that has the shutdown checkpoint takes its place.
SELECT ask('perform_failover()');
SELECT report('c', 'draining', '0/7000');
SELECT report('a', 'secondary', '0/7078');
SELECT silent('a');
SELECT report('b', 'report_lsn', '0/7078');
SELECT why();
SELECT time_passes('3 h');
SELECT obey('b', 'c');
SELECT state();
