-- Events: rule, who asked and why, reading them, and their retention.
\set ECHO none
\i sql/include/transcript.sql
\set ECHO all

SELECT group_of('a', 'b');

-- Who asked, and why.
BEGIN;
SET LOCAL pgautofailover.reason TO 'kernel upgrade of a';
SELECT ask('perform_failover()');
COMMIT;
SELECT report('a', 'draining', '0/4000');
SELECT report('b', 'secondary', '0/4078');
SELECT nodename, goalstate, rule, rule_pos, rule_section, replace(requested_by, session_user, '<user>') AS requested_by, reason
  FROM event ORDER BY eventid DESC LIMIT 4;

-- Every decision tells its rule and its reason in words (D22: the text is that of the goal that was assigned).
SELECT e.rule, e.goalstate, e.description FROM event AS e WHERE e.rule_pos IS NOT NULL ORDER BY eventid;
SELECT count(*) FROM event AS e LEFT JOIN rule AS r ON r.pos = e.rule_pos AND r.name = e.rule AND r.goal = e.goalstate
 WHERE e.rule_pos IS NOT NULL AND r.pos IS NULL;

-- An event holds the row as it is after the change.
SELECT obey();
SELECT nodename, reportedstate, goalstate, reportedtli, reportedlsn, reportedrepstate, candidatepriority, replicationquorum
  FROM event ORDER BY eventid DESC LIMIT 2;

-- Reading on from an event that was seen.
SELECT nodename, goalstate FROM events_since((SELECT max(eventid) - 2 FROM event), 'default');
SELECT count(*) FROM events_since((SELECT max(eventid) FROM event));

-- A decision that changes nothing leaves nothing (D9): neither in a synchronous nor in an asynchronous group, nor in one that waits.
SELECT report('b', 'primary');
SELECT report('a', 'secondary');
SELECT tick();
SELECT ask($$set_node_replication_quorum('default', 'a', false)$$);
SELECT obey();
SELECT report('b', 'primary');
SELECT report('b', 'primary');
SELECT silent('a');
SELECT report('b', 'wait_primary');
SELECT last_event() AS before \gset
SELECT report('b', 'wait_primary');
SELECT tick();
SELECT last_event() - :before AS new_events;

-- Retention by age.
UPDATE event SET eventtime = now() - interval '40 days' WHERE eventid <= 5;
SELECT works('SELECT pgautofailover.purge_events()');
SELECT min(eventid) FROM event;
SELECT works('SELECT pgautofailover.purge_events()');

-- And by count.
SET pgautofailover.event_retention_count TO '4';
SELECT count(*) - 4 AS too_many FROM event \gset
SELECT purge_events() = :too_many;
SELECT count(*) FROM event;
SET pgautofailover.event_retention_age TO '0';
SELECT pg_sleep(0.01);
SELECT purge_events();
SELECT count(*) FROM event;
