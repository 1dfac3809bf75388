-- Formations: create, drop, secondaries on and off.
\set ECHO none
\i sql/include/transcript.sql
\set ECHO all

SELECT works($$SELECT * FROM pgautofailover.create_formation('f', 'pgsql', 'app', true, 0)$$);
SELECT works($$SELECT * FROM pgautofailover.create_formation(formation_id => 'dist', kind => 'citus', dbname => 'app',
                                                             opt_secondary => false, number_sync_standbys => 1)$$);
SELECT * FROM formation ORDER BY formationid;

SELECT fails($$SELECT pgautofailover.create_formation('f', 'pgsql', 'app', true, 0)$$);
SELECT fails($$SELECT pgautofailover.create_formation('g', 'mysql', 'app', true, 0)$$);
SELECT fails($$SELECT pgautofailover.create_formation('g', 'unknown', 'app', true, 0)$$);
SELECT fails($$SELECT pgautofailover.create_formation('g', '', 'app', true, 0)$$);
SELECT fails($$SELECT pgautofailover.create_formation('g', 'pgsql', 'app', true, -1)$$);
SELECT fails($$SELECT pgautofailover.create_formation('', 'pgsql', 'app', true, 0)$$);
SELECT fails($$SELECT pgautofailover.create_formation(repeat('x', 64), 'pgsql', 'app', true, 0)$$);
SELECT works($$SELECT * FROM pgautofailover.create_formation(repeat('x', 63), 'pgsql', 'app', true, 0)$$);

SELECT works($$SELECT pgautofailover.drop_formation(repeat('x', 63))$$);
SELECT fails($$SELECT pgautofailover.drop_formation('nowhere')$$);
SELECT register('a', formation => 'f');
SELECT fails($$SELECT pgautofailover.drop_formation('f')$$);
SELECT works($$SELECT pgautofailover.drop_formation('dist')$$);

SELECT obey();

-- D12: they return true, and say when there is no such formation.
SELECT works($$SELECT pgautofailover.disable_secondary('f')$$);
SELECT opt_secondary FROM formation WHERE formationid = 'f';
SELECT works($$SELECT pgautofailover.enable_secondary('f')$$);
SELECT opt_secondary FROM formation WHERE formationid = 'f';
SELECT fails($$SELECT pgautofailover.enable_secondary('nowhere')$$);
SELECT fails($$SELECT pgautofailover.disable_secondary('nowhere')$$);

-- Not while there are secondaries.
SELECT register('b', formation => 'f');
SELECT fails($$SELECT pgautofailover.disable_secondary('f')$$);
SELECT obey();
SELECT fails($$SELECT pgautofailover.disable_secondary('f')$$);
SELECT ask('remove_node(id(''b''))');
SELECT obey();
SELECT works($$SELECT pgautofailover.disable_secondary('f')$$);
SELECT fails($$SELECT pgautofailover.register_node('f', 'h', 5432, 'postgres')$$);

-- A formation whose nodes are gone can be dropped; its events stay.
SELECT ask('remove_node(id(''a''), true)');
SELECT works($$SELECT pgautofailover.drop_formation('f')$$);
SELECT count(*) > 0 FROM event WHERE formationid = 'f';
