-- The primary hands over to go to maintenance, and is there when the winner is lost. When that one is back it has, as before,
-- everything that the primary wrote before it stopped in good order: it is elected again.
\set ECHO none
\i sql/include/transcript.sql
\set ECHO all

SELECT group_of('a', 'b', 'c');
SELECT ask('start_maintenance(1)');
SELECT silent('c');
SELECT report('a', 'prepare_maintenance', '0/6000', running => false);
SELECT time_passes('2 h');
SELECT report('b', 'report_lsn', '0/6078');
SELECT report('a', 'maintenance', running => false);
SELECT report('b', 'prepare_promotion', running => false);
SELECT report('b', 'report_lsn', '0/6078');
SELECT obey('b');
SELECT state();
