-- Groups for the benchmark, built by the calls that keepers make; the same calls for both monitors. Group i is formation
-- "g<i>"; groups of two that are built in order have nodes 2i + 1, the primary, and 2i + 2.
CREATE SCHEMA bench;

-- All nodes do what they are told and say so, in turn, until a whole turn has told nobody anything new.
CREATE FUNCTION bench.settle(formation text) RETURNS void
LANGUAGE plpgsql
AS $$
DECLARE
    n record;
    before text := '';
    states text;
BEGIN
    LOOP
        SELECT string_agg(concat_ws('/', x.reportedstate, x.goalstate), ' ' ORDER BY x.nodeid) INTO states
          FROM pgautofailover.node AS x WHERE x.formationid = formation;
        EXIT WHEN states = before;
        before := states;
        FOR n IN SELECT x.nodeid, x.goalstate FROM pgautofailover.node AS x
                  WHERE x.formationid = formation ORDER BY x.nodeid LOOP
            PERFORM pgautofailover.node_active(formation, n.nodeid, 0, n.goalstate, n.goalstate <> 'wait_standby', 1,
                        CASE n.goalstate WHEN 'wait_standby' THEN '0/0' ELSE '0/3000000' END::pg_lsn,
                        CASE n.goalstate WHEN 'primary' THEN 'quorum' ELSE '' END);
        END LOOP;
    END LOOP;
END
$$;

CREATE PROCEDURE bench.build(first int, last int, members int)
LANGUAGE plpgsql
AS $$
DECLARE
    formation text;
    id bigint;
BEGIN
    FOR g IN first .. last LOOP
        formation := 'g' || g;
        PERFORM pgautofailover.create_formation(formation, 'pgsql', 'postgres', true, 0);
        FOR m IN 1 .. members LOOP
            SELECT r.assigned_node_id INTO id
              FROM pgautofailover.register_node(formation, 'host-' || g || '-' || m, 5432, 'postgres', 'node_' || m, 1) AS r;
            UPDATE pgautofailover.node SET health = 1, healthchecktime = clock_timestamp() WHERE nodeid = id;
            PERFORM bench.settle(formation);
        END LOOP;
        COMMIT;
    END LOOP;
END
$$;

-- While one thing is measured, nobody reports for the other groups. Before the next one: all have just reported.
CREATE PROCEDURE bench.refresh()
LANGUAGE sql
AS $$ UPDATE pgautofailover.node SET reporttime = clock_timestamp(), healthchecktime = clock_timestamp() $$;

-- The first node that is not what a quiet group's nodes are, or what it was told to be.
CREATE FUNCTION bench.disturbed() RETURNS text
LANGUAGE sql
AS $$
SELECT format('node %s reports %s and is told %s', nodeid, reportedstate, goalstate) FROM pgautofailover.node
 WHERE goalstate <> reportedstate OR goalstate NOT IN ('primary', 'secondary') ORDER BY nodeid LIMIT 1
$$;

GRANT USAGE ON SCHEMA bench TO autoctl_node;
