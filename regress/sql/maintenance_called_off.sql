-- The last synchronous standby is to go to maintenance, and the primary is lost before it stops waiting for it: the standby may have
-- acknowledged commits that no other node has, and takes part in the election.
\set ECHO none
\i sql/include/transcript.sql
\set ECHO all

SELECT group_of('a', 'b', 'c');
SELECT ask('set_formation_number_sync_standbys(''default'', 0)');
SELECT ask('set_node_replication_quorum(''default'', ''c'', false)');
SELECT obey('a');
SELECT ask('start_maintenance(id(''b''))');
SELECT report('b', 'wait_maintenance', '0/5000', running => false);
SELECT silent('a');
SELECT report('c', 'report_lsn', '0/4000');
SELECT why();
SELECT report('b', 'report_lsn', '0/5000');
SELECT time_passes('4 h');
SELECT obey('b');
SELECT state();
