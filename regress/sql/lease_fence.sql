-- Claim LeaseFence: where no standby proves that the old primary is stopped, the monitor waits until the lease of the old primary
-- has run out: primary_demote_timeout (one hour here) after its last report, and after its standby has stopped receiving.
\set ECHO none
\i sql/include/transcript.sql
\set ECHO all

SELECT register('a', quorum => false);
SELECT report('a', 'single', '0/3000');
SELECT register('b', quorum => false);
SELECT obey();
SELECT synchronous_standby_names();
SELECT state();
SELECT why();

-- The standby is lost, and comes back.
SELECT silent('b');
SELECT obey('a');
SELECT why();
SELECT report('b', 'catchingup');
SELECT obey();
SELECT state();

-- a falls silent, two hours ago. Its standby is still connected until it reports: the hour starts with that.
SELECT silent('a');
SELECT report('b', 'report_lsn', '0/3000');
SELECT why();
SELECT time_passes('59 min');
SELECT time_passes('2 min');
SELECT obey('b');
SELECT state();
SELECT report('a', 'primary', '0/3100');
SELECT obey();
SELECT state();

-- The old primary's own report that it has stopped is as good.
SELECT silent('b');
SELECT report('a', 'report_lsn', '0/4000');
SELECT report('b', 'draining', '0/0');
SELECT obey();
SELECT state();

-- A position far behind (promote_wal_log_threshold, 16 MB) is not good enough while data loss is guarded.
SELECT report('a', 'primary', '0/10000000');
SELECT silent('a');
SELECT report('b', 'report_lsn', '0/5000');
SELECT time_passes('61 min');
SELECT why();
BEGIN;
SET LOCAL pgautofailover.guard_data_loss TO off;
SELECT ask('perform_failover()');
COMMIT;
SELECT obey('b');
SELECT state();
