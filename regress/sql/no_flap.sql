-- Claim NoFlap: what is slow, but below the thresholds, causes no failover. Here node_considered_unhealthy_timeout is 10 s.
\set ECHO none
\i sql/include/transcript.sql
\set ECHO all

SELECT group_of('a', 'b');
SET pgautofailover.node_considered_unhealthy_timeout TO '10s';
SET pgautofailover.unchecked_node_timeout TO '1 min';

-- D6: bad health alone is not enough, whether the last report is younger than a second or older.
SELECT testing_set_node_health(1, 0, '0 s');
SELECT tick();
SELECT testing_set_node_health(1, 0, '5 s');
SELECT tick();

-- Silence alone is not enough, as long as the health check finds the server.
SELECT testing_set_node_health(1, 1, '9 s');
SELECT tick();
SELECT testing_set_node_health(1, 1, '50 s');
SELECT tick();

-- Health that was never checked does not make a node healthy or unhealthy.
SELECT testing_set_node_health(1, -1, '50 s');
SELECT tick();

-- A check that was late itself is no evidence.
SELECT testing_set_node_health(1, 1, '50 s');
SELECT report_health('{1}', '{0}', '{late}', '{""}');
SELECT tick();

-- The end of the keeper's session alone is not enough, nor with a server that answers, or that is starting.
UPDATE node SET sessionpid = 0 WHERE nodeid = 1;
SELECT tick();
SELECT report_health('{1}', '{1}', '{ok}', '{""}');
SELECT report_health('{1}', '{-1}', '{timeout}', '{""}');
SELECT report_health('{1}', '{-1}', '{starting}', '{""}');
SELECT report_health('{1}', '{1}', '{denied}', '{"too many connections"}');
SELECT state();
SELECT why();

-- The keeper reports again: everything is forgotten.
SELECT report('a', 'primary');
SELECT sessionlost, upstreamlost, replication_stall_since FROM node WHERE nodeid = 1;

-- Both together are: silent, and not found by the health check.
SELECT testing_set_node_health(1, 0, '9 s');
SELECT tick();
SELECT testing_set_node_health(1, 0, '11 s');
SELECT tick();
SELECT state();
SELECT obey('b');
SELECT report('a', 'primary');
SELECT obey();

-- So is a session that ended, confirmed by a refused connection, at once.
SELECT open_session(2);
UPDATE node SET sessionpid = 0 WHERE nodeid = 2;
SELECT report_health('{2}', '{-1}', '{refused}', '{""}');
SELECT state();
SELECT obey('a');
SELECT report('b', 'primary');
SELECT obey();

-- The monitor itself was frozen for two minutes, or cut off, or its clock was set forward: all that it knows is old. Whoever reports
-- first tells nothing about the others, be it the standby or the primary. Nodes come back within twice
-- node_considered_unhealthy_timeout, at most startup_grace_period.
SET pgautofailover.startup_grace_period TO '1s';
UPDATE node SET reporttime = now() - interval '2 min', healthchecktime = now() - interval '2 min', health = 0;
SELECT report_health('{2}', '{1}', '{ok}', '{""}');
SELECT report('b', 'secondary');
SELECT tick();
SELECT report('a', 'primary');
UPDATE node SET reporttime = now() - interval '2 min', healthchecktime = now() - interval '2 min', health = 0;
SELECT report('a', 'primary');
SELECT tick();
SELECT report('b', 'secondary');
SELECT state();
-- Had the primary not come back: heard since long enough, the standby would tell.
UPDATE node SET reporttime = now() - interval '2 min', healthchecktime = now() - interval '2 min', health = 0;
SELECT report('b', 'secondary');
BEGIN;
UPDATE node SET reportsince = now() - interval '2 s' WHERE nodeid = 2;
SELECT tick();
SELECT state();
ROLLBACK;
SELECT report('a', 'primary');
SET pgautofailover.startup_grace_period TO '0';

-- And silence when no monitor service checks, after unchecked_node_timeout.
SELECT testing_set_node_health(1, 1, '50 s', health_check_time_ago => '50 s');
SELECT tick();
SELECT testing_set_node_health(1, 1, '2 min', health_check_time_ago => '2 min');
SELECT tick();
SELECT state();
