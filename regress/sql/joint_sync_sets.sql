-- Old and new synchronous_standby_names count both until the primary has confirmed the new ones: it reads them at a moment
-- that the monitor does not see.
\set ECHO none
\i sql/include/transcript.sql
\set ECHO all

SELECT group_of('a', 'b', 'c');
SELECT syncsets FROM node_group;

-- c leaves the quorum. Until a reports that it uses ANY 1 (b), commits may have been acknowledged by c alone.
SELECT ask($$set_formation_number_sync_standbys('default', 0)$$);
SELECT obey();
SELECT ask($$set_node_replication_quorum('default', 'c', false)$$);
SELECT syncsets FROM node_group;
SELECT silent('a');
SELECT report('b', 'report_lsn', '0/4000');
SELECT why();
SELECT report('c', 'report_lsn', '0/4000');
SELECT obey('b', 'c');
SELECT report('a', 'primary');
SELECT obey();
SELECT state();
SELECT syncsets FROM node_group;

-- The same when it has confirmed: now b alone is enough.
SELECT ask($$set_node_replication_quorum('default', 'c', true)$$);
SELECT obey();
SELECT ask($$set_node_replication_quorum('default', 'c', false)$$);
SELECT obey();
SELECT syncsets FROM node_group;
SELECT synchronous_standby_names();
SELECT silent('b');
SELECT report('a', 'report_lsn', '0/5000');
SELECT state();
SELECT obey('a', 'c');
SELECT report('b', 'primary');
SELECT obey();

-- From synchronous to alone and back: '' may still be in effect until the primary has confirmed the standby.
SELECT syncsets FROM node_group;
SELECT silent('b', 'c');
SELECT obey('a');
SELECT syncsets FROM node_group;
SELECT report('b', 'catchingup');
SELECT report('b', 'secondary');
SELECT syncsets FROM node_group;
SELECT silent('a');
SELECT why();
SELECT report('a', 'wait_primary');
SELECT obey();
SELECT syncsets FROM node_group;
