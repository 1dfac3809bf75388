-- Settings of Postgres that a standby must match or exceed, for a whole group: what is wanted, what each node uses, and what a
-- node shall use next. A standby with less than its primary stops replaying, so the order matters: standbys first when a value
-- is raised, the primary first when it is lowered. Keepers ask for what is their turn and restart their Postgres; whoever
-- joins or comes back later asks the same question.

CREATE TABLE pgautofailover.group_setting (
    formationid text NOT NULL REFERENCES pgautofailover.formation (formationid) ON DELETE CASCADE,
    groupid     int  NOT NULL,
    name        text NOT NULL,
    value       int  NOT NULL,

    PRIMARY KEY (formationid, groupid, name)
);

-- As the keepers report it: the settings of group_setting_limits(), and any other that waits for a restart.
CREATE TABLE pgautofailover.node_setting (
    nodeid      bigint NOT NULL REFERENCES pgautofailover.node (nodeid) ON DELETE CASCADE,
    name        text NOT NULL,
    value       text NOT NULL,               -- in effect
    pending     bool NOT NULL DEFAULT false, -- the files say something else: a restart of Postgres changes it
    filed       text,                        -- what the files say
    source      text,                        -- the operator's line of a file that sets it; NULL: none
    problem     text,                        -- why the keeper cannot bring the group's value into effect

    PRIMARY KEY (nodeid, name)
);

CREATE FUNCTION pgautofailover.group_setting_limits(
    OUT name text, OUT lowest int, OUT highest int, OUT default_value int, OUT reason text
) RETURNS SETOF record
LANGUAGE sql IMMUTABLE
AS $$
VALUES
 ('max_connections', 10, 262143, 100, 'Postgres keeps some for superusers, keeper and monitor use a few'),
 ('max_worker_processes', 1, 262143, 8, 'what Postgres accepts'),
 ('max_wal_senders', 4, 262143, 12, 'each standby has two connections, a base backup two more'),
 ('max_prepared_transactions', 0, 262143, 0, 'what Postgres accepts'),
 ('max_locks_per_transaction', 10, 2147483647, 64, 'what Postgres accepts')
$$;

-- {"max_connections": 200}: stored for the group, and its keepers are told. A value may be "default". Refused is what
-- Postgres would not start with, and what an operator's own line in a file of a node would override.
CREATE FUNCTION pgautofailover.set_group_settings(formation_id text, group_id int, settings jsonb) RETURNS bool
LANGUAGE plpgsql STRICT SECURITY DEFINER
AS $$
DECLARE
    s record;
    l record;
    wanted int;
    least_senders int;
    told bigint;
    own record;
    changed bool := false;
BEGIN
    PERFORM pgautofailover.note_caller();
    PERFORM pgautofailover.lock_group(formation_id, group_id);
    PERFORM pgautofailover.get_formation(formation_id);
    SELECT n.nodeid INTO told FROM pgautofailover.node AS n
     WHERE n.formationid = formation_id AND n.groupid = group_id AND n.goalstate <> 'dropped'
     ORDER BY pgautofailover.is_writable(n.goalstate) DESC, n.nodeid LIMIT 1;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'formation "%" has no nodes in group %', formation_id, group_id
              USING ERRCODE = 'undefined_object', HINT = 'pgaf show state lists the nodes.';
    END IF;
    SELECT 2 * count(*) INTO least_senders FROM pgautofailover.node AS n
     WHERE n.formationid = formation_id AND n.groupid = group_id AND n.goalstate <> 'dropped';

    FOR s IN SELECT e.key AS name, e.value FROM jsonb_each_text(settings) AS e ORDER BY e.key LOOP
        SELECT * INTO l FROM pgautofailover.group_setting_limits() AS x WHERE x.name = s.name;
        IF NOT FOUND THEN
            RAISE EXCEPTION '"%" is no setting of a group', s.name
                  USING ERRCODE = 'invalid_parameter_value',
                        HINT = 'They are ' || (SELECT string_agg(x.name, ', ') FROM pgautofailover.group_setting_limits() AS x)
                            || '. Set any other one in postgresql.conf of each node.';
        END IF;
        IF s.value = 'default' THEN
            wanted := l.default_value;
        ELSIF s.value ~ '^[0-9]{1,10}$' AND s.value::numeric BETWEEN l.lowest AND l.highest THEN
            wanted := s.value::int;
        ELSE
            RAISE EXCEPTION 'invalid value "%" of %', left(s.value, 80), s.name
                  USING ERRCODE = 'invalid_parameter_value',
                        HINT = format('It is a whole number from %s to %s (%s), or default (%s).', l.lowest, l.highest, l.reason, l.default_value);
        END IF;
        IF s.name = 'max_wal_senders' AND wanted < least_senders THEN
            RAISE EXCEPTION 'max_wal_senders % is too low for a group of % nodes', wanted, least_senders / 2
                  USING ERRCODE = 'invalid_parameter_value', HINT = format('Use at least %s.', least_senders);
        END IF;
        SELECT n.nodename, y.filed, y.source INTO own
          FROM pgautofailover.node AS n JOIN pgautofailover.node_setting AS y USING (nodeid)
         WHERE n.formationid = formation_id AND n.groupid = group_id AND n.goalstate <> 'dropped'
           AND y.name = s.name AND y.source IS NOT NULL AND y.filed IS DISTINCT FROM wanted::text
         ORDER BY n.nodeid LIMIT 1;
        IF FOUND THEN
            RAISE EXCEPTION '% is set to % by your own configuration of node "%", which wins', s.name, own.filed, own.nodename
                  USING ERRCODE = 'object_not_in_prerequisite_state', DETAIL = format('It is in %s.', own.source),
                        HINT = format('Remove it there (in postgresql.auto.conf: ALTER SYSTEM RESET %s), reload Postgres, and repeat.', s.name);
        END IF;
        INSERT INTO pgautofailover.group_setting AS x (formationid, groupid, name, value)
        VALUES (formation_id, group_id, s.name, wanted)
        ON CONFLICT ON CONSTRAINT group_setting_pkey DO UPDATE SET value = excluded.value
         WHERE x.value <> excluded.value;
        changed := changed OR FOUND;
    END LOOP;
    IF changed THEN
        PERFORM pgautofailover.record_event(told, 'set_group_settings',
            format('group %s shall use %s', group_id,
                   (SELECT string_agg(format('%s = %s', e.key, e.value), ', ' ORDER BY e.key) FROM jsonb_each_text(settings) AS e)));
    END IF;
    RETURN changed;
END
$$;

-- Where each node is with each setting of its group. wanted is what its keeper brings into effect now: the group's value,
-- or while that has to wait for waits_for, what the node uses. NULL: nothing, its keeper has not said what it uses.
CREATE FUNCTION pgautofailover.group_settings(
    formation_id text DEFAULT 'default', group_id int DEFAULT 0,
    OUT node_id bigint, OUT node_name text, OUT name text, OUT target int, OUT wanted int, OUT used int, OUT pending bool,
    OUT waits_for text, OUT problem text, OUT counts bool
) RETURNS SETOF record
LANGUAGE plpgsql STABLE STRICT SECURITY DEFINER
AS $$
DECLARE
    t pgautofailover.thresholds := pgautofailover.load_thresholds();
    at timestamptz := clock_timestamp();
BEGIN
    RETURN QUERY
    WITH member AS (
        SELECT n.nodeid, n.nodename, pgautofailover.is_writable(n.goalstate) AS is_primary,
               -- who follows the primary now; others converge when they do
               n.goalstate IN ('secondary', 'catchingup') AND n.reportedstate IN ('secondary', 'catchingup')
               AND NOT pgautofailover.is_unhealthy(n, t, at) AS follows
          FROM pgautofailover.node AS n
         WHERE n.formationid = formation_id AND n.groupid = group_id AND n.goalstate <> 'dropped'
    ), wish AS (
        SELECT m.*, g.name, g.value AS target, y.value::int AS used, coalesce(y.pending, false) AS pending, y.problem,
               max(y.value::int) FILTER (WHERE m.is_primary) OVER setting AS primary_used,
               max(m.nodename) FILTER (WHERE m.is_primary) OVER setting AS primary_name
          FROM member AS m
          JOIN pgautofailover.group_setting AS g ON g.formationid = formation_id AND g.groupid = group_id
     LEFT JOIN pgautofailover.node_setting AS y ON y.nodeid = m.nodeid AND y.name = g.name
        WINDOW setting AS (PARTITION BY g.name)
    ), aim AS (
        -- a standby never has less than its primary
        SELECT w.*, CASE WHEN w.is_primary THEN w.target ELSE greatest(w.target, coalesce(w.primary_used, w.used)) END AS aim
          FROM wish AS w
    ), turn AS (
        SELECT a.*, CASE
            WHEN a.is_primary THEN
                -- all of its settings at once, in one restart: when no standby would have less than it of any of them
                (SELECT string_agg(DISTINCT b.nodename, ', ') FROM aim AS b JOIN aim AS mine ON mine.name = b.name AND mine.is_primary
                  WHERE b.follows AND mine.target > coalesce(mine.used, 0) AND coalesce(b.used, 0) < mine.target)
            ELSE
                -- one standby after the other, so that the rest go on acknowledging
                coalesce((SELECT min(b.nodename) FROM aim AS b
                  WHERE b.follows AND b.nodeid < a.nodeid AND b.used <> b.aim AND b.problem IS NULL), '')
            END AS turn_of
          FROM aim AS a
    )
    SELECT u.nodeid, u.nodename, u.name, u.target,
           CASE WHEN u.used IS NULL AND NOT u.is_primary THEN u.aim
                WHEN u.turn_of <> '' AND u.used <> u.aim THEN u.used
                ELSE u.aim END,
           u.used, u.pending,
           CASE WHEN u.used = u.target THEN NULL
                WHEN u.turn_of <> '' THEN u.turn_of
                WHEN NOT u.is_primary AND u.used = u.aim THEN u.primary_name END,
           u.problem, u.follows OR u.is_primary
      FROM turn AS u ORDER BY u.nodeid, u.name;
END
$$;

-- What a keeper saw of its Postgres: [{"name": …, "value": …, "pending": …, "filed": …, "source": …, "problem": …}, …].
CREATE FUNCTION pgautofailover.report_settings(node_id bigint, settings jsonb) RETURNS void
LANGUAGE plpgsql STRICT SECURITY DEFINER
AS $$
DECLARE
    n pgautofailover.node := pgautofailover.lock_node(node_id);
    news text;
BEGIN
    SELECT string_agg(CASE
             WHEN s.problem IS NOT NULL AND s.problem IS DISTINCT FROM y.problem
                  THEN format('"%s" cannot use the group''s %s: %s', n.nodename, s.name, left(s.problem, 300))
             WHEN s.pending AND NOT coalesce(y.pending, false)
                  THEN format('"%s" needs a restart of Postgres for %s', n.nodename, s.name)
             WHEN y.value <> s.value THEN format('"%s" uses %s = %s', n.nodename, s.name, s.value) END, '; ' ORDER BY s.name)
      INTO news
      FROM jsonb_to_recordset(settings) AS s (name text, value text, pending bool, problem text)
 LEFT JOIN pgautofailover.node_setting AS y ON y.nodeid = node_id AND y.name = s.name;

    DELETE FROM pgautofailover.node_setting AS y WHERE y.nodeid = node_id;
    INSERT INTO pgautofailover.node_setting (nodeid, name, value, pending, filed, source, problem)
    SELECT node_id, s.name, s.value, coalesce(s.pending, false), s.filed, s.source, s.problem
      FROM jsonb_to_recordset(settings) AS s (name text, value text, pending bool, filed text, source text, problem text);
    IF news IS NOT NULL THEN
        PERFORM pgautofailover.record_event(node_id, 'report_settings', left(news, 1500));
    END IF;
END
$$;
