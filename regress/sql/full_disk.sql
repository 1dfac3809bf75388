-- The keeper of the primary lives, but cannot start Postgres: the disk is full. It says so, and the standby takes over.
\set ECHO none
\i sql/include/transcript.sql
\set ECHO all

SELECT group_of('a', 'b');

-- Postgres is down, and the keeper tries to start it: it reports it as running as long as there is hope.
SELECT report('a', 'primary', '0/4000');
SELECT report('a', 'primary', '0/4000', running => false);
SELECT report('b', 'report_lsn', '0/4000');
SELECT report('b', 'prepare_promotion');

-- a is told to stop, which is easy. It was not shut down in good order: its keeper reports no position.
SELECT report('a', 'demoted', '0/0');
SELECT report('b', 'wait_primary', tli => 2);
SELECT report('a', 'catchingup', '0/0', running => false);
SELECT report('b', 'wait_primary');
SELECT state();
SELECT why();

-- There is room again.
SELECT report('a', 'catchingup', '0/4000', tli => 2);
SELECT obey();
SELECT state();

-- The standby's disk is full: it does not count any more.
SELECT report('a', 'secondary', running => false);
SELECT obey('b');
SELECT state();
