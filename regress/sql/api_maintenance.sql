-- start_maintenance and stop_maintenance: when they are refused, and what they answer.
\set ECHO none
\i sql/include/transcript.sql
\set ECHO all

SELECT works('SELECT pgautofailover.start_maintenance(99)');
SELECT works('SELECT pgautofailover.stop_maintenance(99)');
SELECT register('a');
SELECT fails('SELECT pgautofailover.start_maintenance(1)');
SELECT fails('SELECT pgautofailover.stop_maintenance(1)');
SELECT obey();
SELECT register('b');
SELECT fails('SELECT pgautofailover.start_maintenance(2)');
SELECT report('b', 'wait_standby');
SELECT report('a', 'wait_primary');
SELECT report('b', 'catchingup', '0/0', running => false);

-- The primary is not yet primary.
SELECT fails('SELECT pgautofailover.start_maintenance(2)');
SELECT obey();

-- D3: a primary whose standby was removed by force. (It is told to be single at once, so it is not "primary" for long.)
SELECT ask('remove_node(2, true)');
SELECT fails('SELECT pgautofailover.start_maintenance(1)');
SELECT register('b');
SELECT obey();
-- A primary whose standby is lost, and that has not heard of it yet.
UPDATE node SET reportedpgisrunning = false WHERE nodeid = 3;
SELECT fails('SELECT pgautofailover.start_maintenance(1)');
SELECT report('b', 'secondary');

SELECT works('SELECT pgautofailover.start_maintenance(3)');
SELECT state();
SELECT fails('SELECT pgautofailover.stop_maintenance(3)');
SELECT obey();
SELECT works('SELECT pgautofailover.start_maintenance(3)');
SELECT works('SELECT pgautofailover.stop_maintenance(3)');
SELECT obey();

-- While a failover is in progress there is no primary to ask.
SELECT ask('perform_failover()');
SELECT fails('SELECT pgautofailover.start_maintenance(3)');
SELECT fails('SELECT pgautofailover.start_maintenance(1)');
SELECT report('a', 'draining', '0/5000');
SELECT report('b', 'secondary', '0/5078');
SELECT obey();

-- The last node that can be asked: a warning about writes that will wait, with its SQLSTATE.
SELECT register('c');
SELECT obey();
SELECT ask('start_maintenance(id(''a''))');
SELECT obey();
SELECT state();
\set VERBOSITY sqlstate
SELECT start_maintenance(id('c'));
\set VERBOSITY default
SELECT obey();
SELECT state();
