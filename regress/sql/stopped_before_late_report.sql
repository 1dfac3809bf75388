-- As rejoins_from_report, but the old primary had already stopped again, as it was told, when its last report as report_lsn, sent
-- before, is carried out: it is then told to be a secondary, which a node that is stopped cannot become.
\set ECHO none
\i sql/include/transcript.sql
\set ECHO all

SELECT group_of('a', 'b');
SELECT ask('set_node_replication_quorum(''default'', ''b'', false)');
SELECT obey('a');

-- a stops itself for want of contact; the Postgres of b is down: only a can tell what was acknowledged.
SELECT report('a', 'primary', '0/8000', running => false);
SELECT report('b', 'report_lsn', '0/8000', running => false);
SELECT report('a', 'demote_timeout', '0/0');
SELECT report('a', 'demoted', '0/0');

-- b is back before a has said anything more: it is elected, and serves.
SELECT report('b', 'report_lsn', '0/8000');
SELECT obey('b');

-- The late report, and the next one.
SELECT report('a', 'report_lsn', '0/8000');
SELECT report('a', 'demoted', '0/0');
SELECT obey();
SELECT state();
