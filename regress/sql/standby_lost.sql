-- The only standby is lost: writes go on alone. When it is back, commits are on two nodes again.
\set ECHO none
\i sql/include/transcript.sql
\set ECHO all

SELECT group_of('a', 'b');
SELECT silent('b');
SELECT report('a', 'wait_primary', '0/4000');
SELECT synchronous_standby_names();
SELECT why();

-- It comes back and has to catch up first.
SELECT report('b', 'secondary', '0/3000');
SELECT report('b', 'catchingup', '0/3000');
SELECT reachable('b');
SELECT report('a', 'wait_primary', '0/2000000');

-- 32 MB behind is too far (enable_sync_wal_log_threshold is 16 MB).
SELECT report('b', 'catchingup', '0/4000');
SELECT report('b', 'catchingup', '0/1F00000');
SELECT report('b', 'secondary');
SELECT report('a', 'primary');
SELECT state();

-- Its own keeper says that its Postgres does not run: the same, at once.
SELECT report('b', 'secondary', running => false);
SELECT report('a', 'wait_primary');
SELECT report('b', 'catchingup', running => false);
SELECT report('b', 'catchingup');
SELECT obey();
SELECT state();

-- Lost while the primary is about to wait for it: the primary takes that back.
SELECT report('b', 'secondary', running => false);
SELECT obey('a');
SELECT report('b', 'catchingup');
SELECT report('b', 'secondary');
SELECT silent('b');
SELECT report('a', 'apply_settings');
SELECT obey('a');
SELECT state();
