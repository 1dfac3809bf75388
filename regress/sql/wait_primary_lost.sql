-- The primary dies while it works alone: the standby that has fallen behind must not take over, for it lacks commits that
-- were acknowledged without it. The group waits for the primary.
\set ECHO none
\i sql/include/transcript.sql
\set ECHO all

SELECT group_of('a', 'b');
SELECT silent('b');
SELECT report('a', 'wait_primary', '0/5000');

-- Now the primary dies as well.
SELECT silent('a');
SELECT why();

-- The standby comes back, a is still gone: b cannot know what a acknowledged alone.
SELECT reachable('b');
SELECT report('b', 'secondary');
SELECT report('b', 'catchingup');
SELECT why();
SELECT time_passes('2 h');

-- The primary comes back: everything goes on.
SELECT reachable('a');
SELECT report('a', 'wait_primary');
SELECT report('b', 'catchingup', '0/5000');
SELECT obey();
SELECT state();

-- Both are lost again. The operator gives up the commits that only a has.
SELECT silent('b');
SELECT report('a', 'wait_primary', '0/6000');
SELECT silent('a');
SELECT reachable('b');
SELECT report('b', 'catchingup', '0/5000');
BEGIN;
SET LOCAL pgautofailover.guard_data_loss TO off;
SET LOCAL pgautofailover.reason TO 'the machine of a burned down';
SELECT ask('perform_failover()');
COMMIT;
SELECT report('b', 'report_lsn');
SELECT time_passes('61 min');
SELECT obey('b');
SELECT state();
SELECT nodename, goalstate, rule, reason FROM event WHERE reason IS NOT NULL ORDER BY eventid;

-- The old primary, when it comes back, is not believed any more.
SELECT report('a', 'wait_primary', '0/6000');
SELECT reachable('a');
SELECT obey();
SELECT state();
