-- What the checker adds to the installed objects: an environment of its own. The functions of schema pgautofailover
-- look names up in that schema first, so these take the place of the clock, of the sessions and of the notifications,
-- and not one line of the functions differs from what is installed elsewhere.

CREATE FUNCTION pgautofailover.now() RETURNS timestamptz
LANGUAGE sql STABLE
AS $$ SELECT current_setting('model.now')::timestamptz $$;

CREATE FUNCTION pgautofailover.clock_timestamp() RETURNS timestamptz
LANGUAGE sql STABLE
AS $$ SELECT current_setting('model.now')::timestamptz $$;

CREATE FUNCTION pgautofailover.pg_postmaster_start_time() RETURNS timestamptz
LANGUAGE sql STABLE
AS $$ SELECT current_setting('model.start')::timestamptz $$;

CREATE FUNCTION pgautofailover.pg_backend_pid() RETURNS int
LANGUAGE sql STABLE
AS $$ SELECT current_setting('model.pid')::int $$;

CREATE VIEW pgautofailover.pg_stat_activity AS
SELECT pid::int FROM string_to_table(current_setting('model.pids'), ',') AS pid;

CREATE FUNCTION pgautofailover.pg_notify(channel text, payload text) RETURNS void
LANGUAGE plpgsql
AS $$
BEGIN
    IF channel = 'state' THEN
        PERFORM set_config('model.events', current_setting('model.events', true) || payload || E'\n', false);
    END IF;
END
$$;

ALTER TABLE pgautofailover.node
    ALTER reporttime SET DEFAULT pgautofailover.now(),
    ALTER walreporttime SET DEFAULT pgautofailover.now(),
    ALTER healthchecktime SET DEFAULT pgautofailover.now(),
    ALTER statechangetime SET DEFAULT pgautofailover.now();
ALTER TABLE pgautofailover.event ALTER eventtime SET DEFAULT pgautofailover.now();

-- Referring tables first.
ALTER TABLE pgautofailover.node_timeline_history SET UNLOGGED;
ALTER TABLE pgautofailover.node_setting SET UNLOGGED;
ALTER TABLE pgautofailover.group_setting SET UNLOGGED;
ALTER TABLE pgautofailover.node SET UNLOGGED;
ALTER TABLE pgautofailover.node_group SET UNLOGGED;
ALTER TABLE pgautofailover.event SET UNLOGGED;
ALTER TABLE pgautofailover.accepted_timeline SET UNLOGGED;
ALTER TABLE pgautofailover.formation SET UNLOGGED;

CREATE SCHEMA model;

-- All that the monitor knows, to come back to it.
CREATE FUNCTION model.dump(OUT formations text[], OUT nodes text[], OUT groups text[], OUT histories text[])
LANGUAGE sql
AS $$
SELECT (SELECT array_agg(f::text) FROM pgautofailover.formation AS f),
       (SELECT array_agg(n::text ORDER BY n.nodeid) FROM pgautofailover.node AS n),
       (SELECT array_agg(g::text) FROM pgautofailover.node_group AS g),
       (SELECT array_agg(h::text) FROM pgautofailover.node_timeline_history AS h)
$$;

-- The foreign keys are checked: a session_replication_role that spared that would make Postgres forget all its plans each time.
CREATE FUNCTION model.load(formations text[], nodes text[], groups text[], histories text[]) RETURNS void
LANGUAGE plpgsql
AS $$
BEGIN
    DELETE FROM pgautofailover.node_timeline_history;
    DELETE FROM pgautofailover.node;
    DELETE FROM pgautofailover.node_group;
    DELETE FROM pgautofailover.formation;
    INSERT INTO pgautofailover.formation SELECT * FROM unnest(formations::pgautofailover.formation[]);
    INSERT INTO pgautofailover.node_group SELECT * FROM unnest(groups::pgautofailover.node_group[]);
    INSERT INTO pgautofailover.node SELECT * FROM unnest(nodes::pgautofailover.node[]);
    INSERT INTO pgautofailover.node_timeline_history SELECT * FROM unnest(histories::pgautofailover.node_timeline_history[]);
END
$$;

-- An empty formation.
CREATE FUNCTION model.reset(number_sync int) RETURNS void
LANGUAGE plpgsql
AS $$
BEGIN
    DELETE FROM pgautofailover.event;
    DELETE FROM pgautofailover.node_timeline_history;
    DELETE FROM pgautofailover.node;
    DELETE FROM pgautofailover.node_group;
    DELETE FROM pgautofailover.formation;
    INSERT INTO pgautofailover.formation (formationid, number_sync_standbys) VALUES ('default', number_sync);
END
$$;
