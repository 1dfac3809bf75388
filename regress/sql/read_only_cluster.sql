-- Nodes of a read-only cluster replicate and are never promoted by the monitor; regions are only told.
\set ECHO none
\i sql/include/transcript.sql
\set ECHO all

SELECT group_of('a', 'b');
SELECT register('ro', priority => 0, quorum => false, cluster => 'reports');
SELECT obey();
SELECT synchronous_standby_names();
SELECT formation_uri();
SELECT formation_uri('default', 'reports');
SELECT ask($$set_node_region('default', 'ro', 'eu-west')$$);
SELECT nodename, nodecluster, noderegion FROM current_state();

-- The primary is lost: the read-only node follows.
SELECT silent('a');
SELECT report('ro', 'report_lsn', '0/9000');
SELECT why();
SELECT report('b', 'report_lsn', '0/4000');
SELECT obey('b', 'ro');
SELECT state();

-- The other one too: it does not take over.
SELECT silent('b');
SELECT time_passes('1 day');
SELECT why();
SELECT report('b', 'primary');
SELECT report('a', 'primary');
SELECT obey();
SELECT state();
