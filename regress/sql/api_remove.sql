-- remove_node: by id and by address.
\set ECHO none
\i sql/include/transcript.sql
\set ECHO all

SELECT group_of('a', 'b', 'c');
SELECT fails('SELECT pgautofailover.remove_node(99)');
SELECT fails('SELECT pgautofailover.remove_node(99, true)');
SELECT fails($$SELECT pgautofailover.remove_node('nowhere')$$);
SELECT fails($$SELECT pgautofailover.remove_node('host-a', 5433)$$);
SELECT works('SELECT pgautofailover.remove_node(2)');
SELECT state();
-- Twice is as good as once.
SELECT works('SELECT pgautofailover.remove_node(2)');
SELECT works('SELECT pgautofailover.remove_node(2::int, true)');
SELECT works($$SELECT pgautofailover.remove_node('host-c')$$);
SELECT works($$SELECT pgautofailover.remove_node('host-c', 5432, true)$$);
SELECT obey();
SELECT works($$SELECT pgautofailover.remove_node(node_host => 'host-a', force => true)$$);
SELECT state();
SELECT fails($$SELECT pgautofailover.remove_node('host-a')$$);
SELECT count(*) FROM node_group;
SELECT rule, goalstate, requested_by LIKE '%api_remove' FROM event WHERE goalstate = 'dropped' ORDER BY eventid;
