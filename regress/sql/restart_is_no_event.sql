-- Claim RestartIsNoEvent: a monitor that was down finds everybody silent; that says something about itself.
\set ECHO none
\i sql/include/transcript.sql
\set ECHO all

SELECT group_of('a', 'b', 'c');
SET pgautofailover.node_considered_unhealthy_timeout TO '10s';
SET pgautofailover.unchecked_node_timeout TO '1 min';

-- Nobody is called unhealthy for being silent in the first startup_grace_period, whatever the health check found.
SET pgautofailover.startup_grace_period TO '30d';
SELECT silent('a', 'b', 'c');
SELECT state();

-- They report, one after the other.
SELECT report('b', 'secondary');
SELECT report('a', 'primary');
SELECT report('c', 'secondary');
SET pgautofailover.startup_grace_period TO '0';
SELECT tick();
SELECT state();

-- What a keeper says of its own Postgres counts also in that time.
SET pgautofailover.startup_grace_period TO '30d';
SELECT report('a', 'primary', running => false);

-- A keeper that restarts reports what it was; an assignment that it had not yet carried out is repeated to it.
SELECT report('b', 'secondary');
SELECT assigned_group_state FROM node_active('default', 2, 0, 'secondary', true, 1, '0/3000');
