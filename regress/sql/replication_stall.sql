-- D8: the primary and its standby run, but the standby receives nothing: after replication_stall_timeout (one hour here) commits
-- do not wait for it any more.
\set ECHO none
\i sql/include/transcript.sql
\set ECHO all

SELECT group_of('a', 'b');

-- Nobody streams from a: its keeper reports no replication state.
SELECT report('a', 'primary', sync => '');
SELECT time_passes('59 min');
SELECT report('a', 'primary', sync => 'unknown');
SELECT time_passes('2 min');
SELECT report('a', 'wait_primary', sync => '');
SELECT why();

-- It streams again.
SELECT report('b', 'catchingup');
SELECT obey();
SELECT state();

-- A short stall does no harm.
SELECT report('a', 'primary', sync => '');
SELECT time_passes('30 min');
SELECT report('a', 'primary');
SELECT time_passes('40 min');
SELECT report('a', 'primary', sync => '');
SELECT state();

-- The standby says that it is cut off, the primary still believes in its connection.
SELECT report('a', 'primary');
SELECT works('SELECT pgautofailover.report_upstream(2, false)');
SELECT time_passes('59 min');
SELECT time_passes('2 min');
SELECT obey('a');
SELECT works('SELECT pgautofailover.report_upstream(2, true)');
SELECT report('b', 'catchingup');
SELECT obey();
SELECT state();
