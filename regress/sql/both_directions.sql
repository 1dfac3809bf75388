-- Unplanned failovers there and back again.
\set ECHO none
\i sql/include/transcript.sql
\set ECHO all

SELECT group_of('a', 'b');

-- a is lost, b takes over.
SELECT silent('a');
SELECT obey('b');

-- a comes back.
SELECT reachable('a');
SELECT report('a', 'primary', '0/5000');
SELECT obey();
SELECT state();

-- b is lost, a takes over.
SELECT silent('b');
SELECT obey('a');
SELECT reachable('b');
SELECT report('b', 'primary', '0/6000');
SELECT obey();
SELECT state();

-- The timeline counts the promotions.
SELECT nodename, reportedtli FROM node ORDER BY nodeid;
