-- number_sync_standbys: raised with the second standby, lowered with removals, checked in every group (D15).
\set ECHO none
\i sql/include/transcript.sql
\set ECHO all

SELECT group_of('a', 'b');
SELECT fails($$SELECT pgautofailover.set_formation_number_sync_standbys('default', 1)$$);
SELECT register('c');
SELECT obey();
SELECT synchronous_standby_names();
SELECT fails($$SELECT pgautofailover.set_formation_number_sync_standbys('default', 2)$$);
SELECT register('d');
SELECT obey();
SELECT synchronous_standby_names();
SELECT ask($$set_formation_number_sync_standbys('default', 2)$$);
SELECT fails($$SELECT pgautofailover.set_formation_number_sync_standbys('default', 1)$$);
SELECT obey();
SELECT synchronous_standby_names();

-- A standby is lost: two are left, commits wait for both. Another: writes wait.
SELECT silent('d');
SELECT obey('a');
SELECT synchronous_standby_names();
SELECT silent('c');
SELECT obey('a');
SELECT synchronous_standby_names();
SELECT why();
SELECT report('c', 'catchingup');
SELECT report('d', 'catchingup');
SELECT obey();
SELECT synchronous_standby_names();

-- D15: removal of the primary. Three are left, of which one becomes primary: 1 can be lost with 1 to wait for.
SELECT ask('remove_node(id(''a''))');
SELECT report('a', 'dropped', '0/4000');
SELECT report('b', 'secondary', '0/4078');
SELECT report('c', 'secondary', '0/4078');
SELECT report('d', 'secondary', '0/4078');
SELECT obey();
SELECT state();
SELECT synchronous_standby_names();

-- Removal of a standby.
SELECT ask('remove_node(id(''d''))');
SELECT obey();
SELECT synchronous_standby_names();

-- With 0, the loss of the last standby does not stop writes.
SELECT register('e');
SELECT obey();
SELECT ask($$set_formation_number_sync_standbys('default', 0)$$);
SELECT obey();
SELECT synchronous_standby_names();
SELECT silent('c', 'e');
SELECT obey('b');
SELECT synchronous_standby_names();
SELECT state();

-- The primary is told to wait for more standbys than it can find, and never gets to apply that: it is lowered all the same.
SELECT register('f');
SELECT obey();
SELECT reachable('c', 'e');
SELECT report('c', 'catchingup');
SELECT report('e', 'catchingup');
SELECT obey();
SELECT ask($$set_formation_number_sync_standbys('default', 2)$$);
SELECT silent('c', 'e');
SELECT report('b', 'primary');
SELECT ask($$set_formation_number_sync_standbys('default', 3)$$);
SELECT ask($$set_formation_number_sync_standbys('default', 0)$$);
SELECT obey('b');
SELECT synchronous_standby_names();
SELECT state();

-- A formation that wants two from the beginning: the first standby makes its primary wait for two, and the others join all the same.
SELECT ask($$create_formation('early', 'pgsql', 'postgres', true, 2)$$);
SELECT register('x', formation => 'early');
SELECT report('x', 'single');
SELECT register('y', formation => 'early');
SELECT obey('x', 'y');
SELECT report('x', 'wait_primary');
SELECT register('z', formation => 'early');
SELECT obey('z');
SELECT obey('x', 'y', 'z');
SELECT synchronous_standby_names('early', 0);

-- Both standbys are lost, and the primary applies what nobody can confirm: explain() says that writes wait, and what to do.
SELECT ask($$create_formation('late', 'pgsql', 'postgres', true, 0)$$);
SELECT register('k', formation => 'late');
SELECT obey('k');
SELECT register('l', formation => 'late');
SELECT obey('k', 'l');
SELECT register('m', formation => 'late');
SELECT obey('k', 'l', 'm');
SELECT silent('l', 'm');
SELECT report('k', 'apply_settings');
SELECT why('late');
SELECT ask($$set_formation_number_sync_standbys('late', 0)$$);
SELECT obey('k');
