-- Notifications: the payload of channel state, byte for byte, and the texts on channels log and check.
\set ECHO none
\i sql/include/transcript.sql
\set ECHO all

LISTEN state;
LISTEN log;
LISTEN "check";

-- Process ids differ from run to run.
\o |sed 's/ with PID [0-9]*//'
SELECT assigned_group_state FROM register_node('default', 'host-a', 5432, 'postgres', 'a', 1);
\o
\o |sed 's/ with PID [0-9]*//'
SELECT assigned_group_state FROM node_active('default', 1, 0, 'single', true, 1, '0/1000');
\o

-- An unchanged heartbeat sends nothing.
\o |sed 's/ with PID [0-9]*//'
SELECT assigned_group_state FROM node_active('default', 1, 0, 'single', true, 1, '0/2000');
\o

-- The second node, the decisions that its report causes, and number_sync_standbys.
\o |sed 's/ with PID [0-9]*//'
SELECT assigned_group_state FROM register_node('default', 'host-b', 5432, 'postgres', 'b "2"', 1);
SELECT assigned_group_state FROM node_active('default', 2, 0, 'wait_standby', false);
\o
\o |sed 's/ with PID [0-9]*//'
SELECT assigned_group_state FROM register_node('default', 'host-c', 5432, 'postgres', 'c', 1);
\o

-- Health: a flip is an event, and its value is in the payload. (There is no space after its colon; that is the interface.)
\o |sed 's/ with PID [0-9]*//'
SELECT report_health('{1}', '{0}', '{refused}', '{""}');
SELECT report_health('{1}', '{0}', '{refused}', '{""}');
SELECT report_health('{1}', '{1}', '{ok}', '{""}');
\o

-- Region and removal.
\o |sed 's/ with PID [0-9]*//'
SELECT set_node_region('default', 'a', 'eu');
SELECT remove_node(3, true);
\o

-- A standby that has lost its primary makes the service look at the primary at once.
\o |sed 's/ with PID [0-9]*//'
SELECT report_upstream(2, false);
SELECT report_upstream(2, true);
\o

-- A call that fails sends nothing.
\o |sed 's/ with PID [0-9]*//'
SELECT fails('SELECT pgautofailover.perform_failover()');
\o

-- Every payload is JSON with these keys in this order.
UNLISTEN *;
SELECT string_agg(key, ' ') FROM json_object_keys(
  '{"type": "state", "formation": "default", "groupId": 0, "nodeId": 1, "name": "a", "host": "host-a", "port": 5432, "reportedState": "single", "goalState": "single", "health":"good", "eventId": 1, "rule": null}') AS key;
