-- An asynchronous standby has received more than the others, reports that, and dies. What only it has was not acknowledged: the
-- healthy ones prove that, and the election does not wait for it.
\set ECHO none
\i sql/include/transcript.sql
\set ECHO all

SELECT group_of('a', 'b', 'c', 'd');
SELECT ask('set_node_replication_quorum(''default'', ''d'', false)');
SELECT obey('a');
SELECT silent('a');
SELECT report('d', 'report_lsn', '0/9000');
SELECT silent('d');
SELECT report('b', 'report_lsn', '0/8000');
SELECT report('c', 'report_lsn', '0/8000');
SELECT obey('b', 'c');
SELECT state();

-- All nodes that have data are removed: a new one does not begin anew with an empty database under the old name.
SELECT register('e');
SELECT ask('remove_node(id(''a''), true)');
SELECT ask('remove_node(id(''d''), true)');
SELECT ask('remove_node(id(''c''), true)');
SELECT ask('remove_node(id(''b''), true)');
SELECT state();
