-- The newest history belongs to a node that may not become primary, and another one has gone on where that history left its
-- timeline: it cannot fetch what it lacks, and says so instead of trying for ever.
\set ECHO none
\i sql/include/transcript.sql
\set ECHO all

SELECT group_of('a', 'b', 'c');
SELECT ask('set_formation_number_sync_standbys(''default'', 0)');
SELECT ask('set_node_replication_quorum(''default'', ''c'', false)');
SELECT obey('a');
SELECT silent('a');
SELECT report('b', 'report_lsn', '0/5000');
SELECT report('b', 'prepare_promotion', '0/5000');

-- b is promoted, and lost before it says so, with its operator's wish that it be no primary any more. c has more of a's WAL.
SELECT ask('set_node_candidate_priority(''default'', ''b'', 0)');
SELECT silent('b');
SELECT report('c', 'report_lsn', '0/5800');
SELECT report('b', 'demoted', '0/5100', tli => 2, running => false);
SELECT time_passes('4 h');
SELECT report('b', 'report_lsn', '0/5100', tli => 2);
SELECT state();

-- The history arrives after the choice was made.
SELECT ask('report_timeline_history(id(''b''), ''[{"tli": 2, "parenttli": 1, "switchpoint": "0/5000"}]'')');
SELECT report('c', 'report_lsn', '0/5800');
SELECT why();
SELECT where_left(id('b'), 2, 1), where_left(id('b'), 3, 1), where_left(id('b'), 2, 2);
SELECT ask('set_node_candidate_priority(''default'', ''b'', 50)');
SELECT report('b', 'report_lsn', '0/5100', tli => 2);
SELECT state();
