-- An old primary that comes back has no copy of what its successor wrote, until it reports that it catches up: until then it is not named
-- as a synchronous standby. Were it named, the standby that has everything could not take over without its word.
\set ECHO none
\i sql/include/transcript.sql
\set ECHO all

SELECT group_of('a', 'b', 'c');
SELECT ask($$set_formation_number_sync_standbys('default', 1)$$);
SELECT obey();
SELECT silent('a');
SELECT obey('b', 'c');
SELECT state();

-- The only secondary is lost for a moment, while the old primary begins to come back.
SELECT silent('c');
SELECT report('a', 'demoted');
SELECT obey('b');
SELECT synchronous_standby_names();

-- Now the successor is lost: the standby has all that was acknowledged, and takes over.
SELECT silent('b');
SELECT reachable('c');
SELECT report('c', 'catchingup');
SELECT obey('c');
SELECT state();
SELECT synchronous_standby_names();

-- All come back, and a fourth; commits wait for two. The primary is lost, and of the others one is in maintenance: with too few others the
-- old primary is named, and commits wait for it, as number_sync_standbys asks.
SELECT register('d');
SELECT obey();
SELECT ask($$set_formation_number_sync_standbys('default', 2)$$);
SELECT obey();
SELECT silent('c');
SELECT obey('a', 'b', 'd');
SELECT state();
SELECT ask('start_maintenance(id(''d''))');
SELECT obey('a', 'b', 'd');
SELECT synchronous_standby_names();
SELECT report('c', 'demoted');
SELECT obey('a');
SELECT synchronous_standby_names();
SELECT obey('c');
SELECT obey('a', 'c');
SELECT synchronous_standby_names();
