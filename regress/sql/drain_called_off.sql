-- A switchover that the old primary cannot finish in time is called off: it resumes, and nobody else is promoted.
\set ECHO none
\i sql/include/transcript.sql
\set ECHO all

SELECT group_of('a', 'b');
SELECT ask('perform_failover()');

-- Its keeper reports, but Postgres still writes: one hour is drain_timeout here.
SELECT report('a', 'primary', '0/4000');
SELECT time_passes('59 min');
SELECT time_passes('2 min');
SELECT why();

-- Its keeper ends the stop the hard way, so that no half-stopped server is left, and starts Postgres again.
SELECT report('a', 'demote_timeout', '0/0');
SELECT report('a', 'primary', '0/4100');
SELECT state();

-- The next one works.
SELECT ask('perform_failover()');
SELECT report('a', 'draining', '0/5000');
SELECT report('b', 'secondary', '0/5078');
SELECT obey();
SELECT state();

-- A primary that stops in good order just after it was called off resumes as well: its standbys never stopped following.
SELECT ask('perform_failover()');
SELECT time_passes('61 min');
SELECT report('b', 'demote_timeout', '0/6000');
SELECT report('b', 'primary');
SELECT state();

-- A primary that dies while it drains does not resume: the election decides.
SELECT ask('perform_failover()');
SELECT silent('b');
SELECT report('a', 'report_lsn');
SELECT report('a', 'prepare_promotion');
SELECT obey('a');
SELECT state();
