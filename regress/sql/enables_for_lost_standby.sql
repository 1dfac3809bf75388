-- number_sync_standbys 1: a primary is about to wait for a standby when that one is lost. Another one that has caught up meanwhile
-- becomes secondary, and is waited for instead.
\set ECHO none
\i sql/include/transcript.sql
\set ECHO all

SELECT group_of('a', 'b', 'c');
SELECT ask($$set_formation_number_sync_standbys('default', 1)$$);
SELECT obey();

-- c is lost, and the settings change: the primary applies what is left.
SELECT silent('c');
SELECT obey('a');
SELECT ask('set_node_candidate_priority(''default'', ''b'', 90)');
SELECT report('a', 'apply_settings');
SELECT synchronous_standby_names();

-- b is lost before the primary has them in effect; c is back.
SELECT silent('b');
SELECT synchronous_standby_names();
SELECT report('c', 'catchingup');
SELECT synchronous_standby_names();
SELECT obey('c', 'a');
SELECT state();
