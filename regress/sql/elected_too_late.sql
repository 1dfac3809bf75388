-- A node has gone on to follow the winner of an election when that one is lost, and a report that it sent before is carried out
-- late: it is chosen by it, and has to report its position once more, as it has left the state in which it could be promoted.
\set ECHO none
\i sql/include/transcript.sql
\set ECHO all

SELECT group_of('a', 'b', 'c');
SELECT silent('a');
SELECT report('b', 'report_lsn', '0/5000');
SELECT report('c', 'report_lsn', '0/5000');
SELECT report('b', 'prepare_promotion', '0/5000');

-- b is lost in its promotion; c was told to follow it, and does.
SELECT report('b', 'prepare_promotion', '0/5000', running => false);
SELECT report('c', 'report_lsn', '0/5000');
SELECT report('b', 'demoted', '0/0', running => false);

-- c had gone on before it heard of that.
SELECT report('c', 'join_secondary', '0/5000');
SELECT report('c', 'report_lsn', '0/5000');
SELECT obey('c');
SELECT state();
