-- A standby leaves maintenance, and the primary is lost before it has heard of that. It may have acknowledged commits, so the
-- election waits for its position, and tells it to report one.
\set ECHO none
\i sql/include/transcript.sql
\set ECHO all

SELECT group_of('a', 'b', 'c');
SELECT ask('start_maintenance(3)');
SELECT obey('c');
SELECT ask('stop_maintenance(3)');
SELECT silent('a');
SELECT why();
SELECT obey('b', 'c');
SELECT state();
