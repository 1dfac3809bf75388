-- Claim NoStuckState: from every state that a failover passes, with a second fault in it, the group comes to a writable node and
-- healthy secondaries when the faults are over, without an operator.
\set ECHO none
\i sql/include/transcript.sql
\set ECHO all

-- The next keepers, in the order of their nodes, do what they are told: so many reports.
CREATE FUNCTION transcript.reports(count int) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    next text;
BEGIN
    FOR i IN 1 .. count LOOP
        SELECT n.nodename INTO next FROM pgautofailover.node AS n
         WHERE n.goalstate <> n.reportedstate AND n.health <> 0 ORDER BY n.nodeid LIMIT 1;
        EXIT WHEN NOT FOUND;
        PERFORM transcript.obey_once(next);
    END LOOP;
END
$$;

CREATE FUNCTION transcript.obey_once(name text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    n pgautofailover.node;
BEGIN
    SELECT * INTO n FROM pgautofailover.node AS x WHERE x.nodename = obey_once.name;
    IF n.goalstate IN ('catchingup', 'secondary', 'fast_forward') THEN
        UPDATE transcript.keeper AS k SET tli = y.tli, lsn = y.lsn
          FROM (SELECT m.tli, m.lsn FROM transcript.keeper AS m ORDER BY m.tli DESC, m.lsn DESC LIMIT 1) AS y
         WHERE k.name = obey_once.name;
    ELSIF n.goalstate = 'wait_primary' AND n.reportedstate IN ('prepare_promotion', 'stop_replication') THEN
        UPDATE transcript.keeper AS k SET tli = k.tli + 1 WHERE k.name = obey_once.name;
    END IF;
    PERFORM transcript.report(obey_once.name, n.goalstate);
END
$$;

CREATE FUNCTION transcript.is_well() RETURNS bool LANGUAGE sql AS $$
SELECT count(*) FILTER (WHERE goalstate IN ('primary', 'single') AND reportedstate = goalstate) = 1
       AND count(*) FILTER (WHERE goalstate = 'secondary' AND reportedstate = goalstate) = count(*) - 1
  FROM pgautofailover.node $$;

-- One run: how it begins, how many reports later the second fault comes, whom it hits, how many reports follow until all are back.
CREATE FUNCTION transcript.run(size int, begins text, later int, victim text, afterwards int) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    trouble text;
BEGIN
    PERFORM pgautofailover.remove_node(nodeid, true) FROM pgautofailover.node;
    DELETE FROM transcript.keeper;
    UPDATE pgautofailover.formation SET number_sync_standbys = 0;
    PERFORM transcript.group_of(VARIADIC (ARRAY['a', 'b', 'c'])[1:size]);
    CASE begins
        WHEN 'lost' THEN PERFORM transcript.silent('a');
        WHEN 'switchover' THEN PERFORM pgautofailover.perform_failover();
        WHEN 'maintenance' THEN PERFORM pgautofailover.start_maintenance(transcript.id('a'));
        WHEN 'settings' THEN PERFORM pgautofailover.set_node_candidate_priority('default', 'b', 60);
        WHEN 'standby lost' THEN PERFORM transcript.silent('b');
    END CASE;
    PERFORM transcript.reports(later);
    PERFORM transcript.silent(victim);
    PERFORM transcript.reports(afterwards);

    -- the faults are over: whoever was silent says what it was, and all do what they are told
    PERFORM transcript.report(n.nodename, n.reportedstate) FROM pgautofailover.node AS n WHERE n.health = 0;
    FOR i IN 1 .. 6 LOOP
        SELECT string_agg(r, '; ') INTO trouble FROM transcript.obey() AS r WHERE r LIKE '%no keeper can%';
        IF trouble IS NOT NULL THEN
            RETURN trouble;
        END IF;
        IF EXISTS (SELECT FROM pgautofailover.node WHERE goalstate = 'maintenance' AND reportedstate = goalstate)
           OR begins = 'maintenance' AND EXISTS (SELECT FROM pgautofailover.node WHERE goalstate = 'prepare_maintenance' AND reportedstate = goalstate) AND i > 2 THEN
            -- this one is the operator's to end
            PERFORM pgautofailover.stop_maintenance(nodeid) FROM pgautofailover.node
              WHERE goalstate IN ('maintenance', 'prepare_maintenance') AND reportedstate = goalstate;
        END IF;
        EXIT WHEN transcript.is_well();
        PERFORM transcript.time_passes('3 h');
    END LOOP;
    IF transcript.is_well() THEN
        RETURN 'well';
    END IF;
    RETURN (SELECT string_agg(s, ', ') FROM transcript.state() AS s);
END
$$;

-- run(nodes, how it begins, so many reports later, this node is lost, so many reports before it is back)
SELECT format('SELECT run(%s, %L, %s, %L, 3);', size, begins, later, victim)
  FROM (VALUES ('lost'), ('switchover')) AS b (begins), generate_series(2, 3) AS size, generate_series(0, 6, 2) AS later,
       unnest(ARRAY['a', 'b', 'c']) AS victim
 WHERE size = 3 OR victim <> 'c' ORDER BY size, begins, later, victim \gexec
SELECT format('SELECT run(3, %L, %s, %L, 3);', begins, later, victim)
  FROM (VALUES ('maintenance'), ('settings'), ('standby lost')) AS b (begins), generate_series(1, 3, 2) AS later,
       unnest(ARRAY['a', 'b', 'c']) AS victim
 ORDER BY begins, later, victim \gexec
