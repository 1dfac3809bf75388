-- Facts: one snapshot of a group, from which every decision is taken. Rules see nothing else.
--
-- Three nodes have a part of their own:
--   p  the primary: the node whose *assigned* state is writable. Never two.
--   o  the old primary, while there is no p: the last node that was told to be writable, now told to stop.
--   w  the winner, while there is no p: the node that was chosen to become primary.

CREATE FUNCTION pgautofailover.is_writable(state pgautofailover.replication_state) RETURNS bool
LANGUAGE plpgsql IMMUTABLE
AS $$ BEGIN RETURN state IN ('single', 'primary', 'wait_primary', 'join_primary', 'apply_settings'); END $$;

CREATE TYPE pgautofailover.node_fact AS (
    nodeid      bigint,
    name        text,
    goal        pgautofailover.replication_state,
    reported    pgautofailover.replication_state,
    converged   bool,      -- goal = reported
    running     bool,      -- its keeper says that Postgres runs
    fresh       bool,      -- its keeper reported within node_considered_unhealthy_timeout
    healthy     bool,
    unhealthy   bool,      -- the opposite of healthy
    tli         int,
    lsn         pg_lsn,
    lsnfresh    bool,      -- the position was reported after the last change of state
    priority    int,
    quorum      bool,
    health      int,
    since       timestamptz,  -- last change of reported or assigned state
    reporttime  timestamptz,
    is_primary  bool,      -- this is p
    is_old      bool,      -- this is o
    is_winner   bool,      -- this is w
    cut         bool,      -- it says that it has not received from its primary for replication_stall_timeout,
                           -- or, for a primary: nobody has received from it for so long
    stopped     bool,      -- election: it receives nothing any more and its position is final
    departed    bool       -- election: it has WAL that is not part of the history of the furthest position
);

CREATE TYPE pgautofailover.group_fact AS (
    formationid      text,
    groupid          int,
    kind             text,
    nodecount        int,     -- nodes that are not being dropped
    number_sync      int,     -- number_sync_standbys
    guard            bool,    -- setting guard_data_loss
    -- standbys of p
    quorum_nodes     int,     -- with replication quorum
    secondaries      int,     -- converged secondary and healthy
    sync_secondaries int,     -- of those, with replication quorum
    waiting_standby  bool,    -- one is converged wait_standby
    names_changed    bool,    -- p has to apply another synchronous_standby_names than it confirmed
    can_fail_over    bool,    -- should p be lost now, an election could be decided
    -- while there is no p
    switchover       bool,    -- an operator asked for it
    handover         bool,    -- o stops in good order and standbys keep receiving: switchover, maintenance, removal
    old_stopped      bool,    -- o confirmed that it has stopped
    drain_expired    bool,    -- a switchover that took longer than drain_timeout
    takeover         bigint,  -- o has stopped and this secondary has all it wrote
    confirmed        bigint,  -- the last node that was certainly the primary: what is newer nobody has confirmed
    election         bool,    -- standbys must stop receiving and report their position
    others_suffice   bool,    -- the election can be decided without the old primary's own report
    provable         bool,    -- the healthy standbys suffice to prove that nothing acknowledged is lost
    proven           bool,    -- those that have reported suffice
    chosen           bigint,  -- the best candidate among those that have reported
    chosen_behind    bool,    -- it lacks WAL that another one reported
    may_promote      bool,    -- it may be promoted now
    lease_ends       timestamptz, -- where only time proves that o has stopped: then
    missing          text     -- names of the nodes whose report is waited for
);

-- Since when another node of a node's group is heard without a gap; NULL: none is heard now. The silence of a node counts only
-- beside one that is heard, and has been for as long as nodes that were cut off together take to come back.
CREATE FUNCTION pgautofailover.heard_since(
    n pgautofailover.node, t pgautofailover.thresholds, at timestamptz
) RETURNS timestamptz
LANGUAGE plpgsql STABLE
AS $$
BEGIN
    RETURN (SELECT min(other.reportsince) FROM pgautofailover.node AS other
             WHERE other.formationid = n.formationid AND other.groupid = n.groupid AND other.nodeid <> n.nodeid
               AND at - other.reporttime < t.silent);
END
$$;

-- The combination of signs that makes a node unhealthy.
CREATE FUNCTION pgautofailover.is_unhealthy(
    n pgautofailover.node, t pgautofailover.thresholds, at timestamptz
) RETURNS bool
LANGUAGE plpgsql STABLE
AS $$
BEGIN
    RETURN CASE
        -- its own keeper says so
        WHEN NOT coalesce(n.reportedpgisrunning, false) THEN true
        -- positively gone: the keeper's session ended and Postgres refuses connections
        WHEN n.sessionlost IS NOT NULL AND n.healthsign IN ('refused', 'reset') THEN true
        WHEN t.in_grace OR at - n.reporttime < t.silent THEN false
        -- silent, but Postgres was found not long ago
        WHEN n.health <> 0 AND at - greatest(n.reporttime, n.healthchecktime) < t.unchecked THEN false
        -- silent, and so were the others until now: the monitor itself was frozen, or cut off, or its clock was set forward
        ELSE coalesce(pgautofailover.heard_since(n, t, at) <= at - t.reconnect, false)
    END;
END
$$;

-- Does each value of synchronous_standby_names that may be in effect have n - k + 1 of its members in ready?
-- Then every acknowledged commit is on one of them, and the other members cannot acknowledge another (claim 2).
CREATE FUNCTION pgautofailover.covers(sets pgautofailover.sync_set[], ready bigint[]) RETURNS bool
LANGUAGE plpgsql IMMUTABLE
AS $$
BEGIN
    RETURN coalesce(bool_and(s.number > 0
                             AND (SELECT count(*) FROM unnest(s.members) AS m WHERE m = ANY (ready))
                                 >= cardinality(s.members) - s.number + 1), false)
      FROM unnest(sets) AS s;
END
$$;

-- The members of synchronous_standby_names that the primary should use: quorum standbys that are secondary.
-- When number_sync_standbys asks for more than there are, those that have a copy of the data: commits then wait. An old primary
-- that has not come back yet is no copy. It is named only where the others are too few: nobody can be elected without the word
-- of those that are named.
CREATE FUNCTION pgautofailover.wanted_sync_set(
    formation_id text, group_id int, primary_id bigint, number_sync int
) RETURNS pgautofailover.sync_set
LANGUAGE plpgsql STABLE
AS $$
DECLARE
    wanted pgautofailover.sync_set;
    copies bigint[];
    known bigint[];
BEGIN
    SELECT coalesce(array_agg(n.nodeid ORDER BY n.candidatepriority DESC, n.nodeid)
                    FILTER (WHERE n.goalstate = 'secondary'), '{}'),
           coalesce(array_agg(n.nodeid ORDER BY n.candidatepriority DESC, n.nodeid)
                    FILTER (WHERE NOT pgautofailover.is_writable(n.reportedstate)
                              AND n.reportedstate NOT IN ('draining', 'demote_timeout', 'demoted', 'prepare_maintenance')), '{}'),
           coalesce(array_agg(n.nodeid ORDER BY n.candidatepriority DESC, n.nodeid), '{}')
      INTO wanted.members, copies, known
      FROM pgautofailover.node AS n
     WHERE n.formationid = formation_id AND n.groupid = group_id AND n.nodeid <> primary_id
       AND n.replicationquorum
       AND n.goalstate IN ('secondary', 'catchingup', 'report_lsn', 'join_secondary')
       AND n.reportedstate NOT IN ('init', 'wait_standby', 'dropped');

    IF number_sync > 0 AND cardinality(wanted.members) < number_sync THEN
        wanted.members := CASE WHEN cardinality(copies) >= number_sync THEN copies ELSE known END;
    END IF;
    wanted.number := CASE WHEN cardinality(wanted.members) = 0 THEN 0 ELSE greatest(number_sync, 1) END;
    RETURN wanted;
END
$$;

-- Where the history of timeline tip, as a node has reported it, left an earlier timeline; NULL when that is not known.
CREATE FUNCTION pgautofailover.where_left(node_id bigint, tip int, earlier int) RETURNS pg_lsn
LANGUAGE plpgsql STABLE
AS $$
DECLARE
    parent int;
    position pg_lsn;
BEGIN
    WHILE tip > earlier LOOP
        SELECT h.parenttli, h.switchpoint_lsn INTO parent, position
          FROM pgautofailover.node_timeline_history AS h WHERE h.nodeid = node_id AND h.tli = tip;
        IF parent = earlier THEN
            RETURN position;
        END IF;
        EXIT WHEN NOT FOUND OR parent >= tip;
        tip := parent;
    END LOOP;
    RETURN NULL;
END
$$;

-- The snapshot. "at" is the wall clock of the whole evaluation.
CREATE FUNCTION pgautofailover.group_snapshot(
    formation_id text, group_id int, t pgautofailover.thresholds, at timestamptz,
    OUT g pgautofailover.group_fact, OUT nodes pgautofailover.node_fact[],
    OUT p pgautofailover.node_fact, OUT o pgautofailover.node_fact, OUT w pgautofailover.node_fact
)
LANGUAGE plpgsql STABLE
AS $$
DECLARE
    f pgautofailover.formation;
    memory pgautofailover.node_group;
    n pgautofailover.node_fact;
    primary_id bigint;
    electable bigint[];     -- healthy secondaries that may become primary
    reporting bigint[];     -- have stopped receiving and reported
    coming bigint[];        -- those, and healthy ones that will
    accepted bigint[];      -- those on the timeline that an operator has accepted; NULL: nobody has
    best pgautofailover.node_fact;
    candidate pgautofailover.node_fact;
    best_healthy bool;
    living_prove bool;
    async_possible bool;
    old_clean bool;
    old_position pg_lsn;
    old_tli int;
BEGIN
    SELECT * INTO f FROM pgautofailover.formation WHERE formationid = formation_id;
    SELECT * INTO memory FROM pgautofailover.node_group WHERE formationid = formation_id AND groupid = group_id;

    SELECT array_agg(ROW(
             x.nodeid, x.nodename, x.goalstate, x.reportedstate, x.goalstate = x.reportedstate,
             coalesce(x.reportedpgisrunning, false), at - x.reporttime < t.silent,
             NOT u.bad, u.bad, x.reportedtli, x.reportedlsn, x.walreporttime >= x.statechangetime,
             x.candidatepriority, x.replicationquorum, x.health, x.statechangetime, x.reporttime,
             false, false, false,
             coalesce(at - CASE WHEN pgautofailover.is_writable(x.goalstate) THEN x.replication_stall_since
                                ELSE x.upstreamlost END >= t.stall, false),
             false, false)::pgautofailover.node_fact ORDER BY x.nodeid)
      INTO nodes
      FROM pgautofailover.node AS x,
   LATERAL (SELECT pgautofailover.is_unhealthy(x, t, at) AS bad) AS u
     WHERE x.formationid = formation_id AND x.groupid = group_id;

    g.formationid := formation_id;
    g.groupid := group_id;
    g.kind := f.kind;
    g.confirmed := memory.confirmedid;
    g.number_sync := f.number_sync_standbys;
    t.guard := t.guard AND NOT coalesce(memory.allowdataloss, false);
    g.guard := t.guard;
    g.nodecount := 0;
    g.waiting_standby := false;
    g.names_changed := false;
    g.can_fail_over := false;
    g.switchover := memory.switchoversince IS NOT NULL;
    g.handover := false;
    g.old_stopped := false;
    g.drain_expired := false;
    g.election := false;
    g.provable := false;
    g.others_suffice := false;
    g.proven := false;
    g.may_promote := false;
    g.chosen_behind := false;

    IF nodes IS NULL THEN
        nodes := '{}';
        RETURN;
    END IF;

    -- who is who
    SELECT m.nodeid INTO primary_id FROM unnest(nodes) AS m
     WHERE pgautofailover.is_writable(m.goal)
     ORDER BY (m.nodeid = memory.primaryid) DESC NULLS LAST, m.nodeid LIMIT 1;

    FOR i IN 1 .. cardinality(nodes) LOOP
        n := nodes[i];
        IF n.goal <> 'dropped' THEN
            g.nodecount := g.nodecount + 1;
        END IF;
        n.is_primary := n.nodeid = primary_id;
        n.is_primary := coalesce(n.is_primary, false);
        n.is_old := primary_id IS NULL AND coalesce(n.nodeid = memory.primaryid, false);
        n.is_winner := primary_id IS NULL AND NOT n.is_old
                       AND n.goal IN ('fast_forward', 'prepare_promotion', 'stop_replication');
        IF primary_id IS NULL AND n.goal IN ('fast_forward', 'prepare_promotion', 'stop_replication') THEN
            -- also an old primary that took part in the election and won
            n.is_winner := true;
            n.is_old := false;
        END IF;
        n.stopped := n.lsnfresh AND n.lsn <> '0/0'
                     AND ((n.reported = 'report_lsn'
                           AND n.goal IN ('report_lsn', 'fast_forward', 'prepare_promotion', 'join_secondary'))
                          OR n.reported IN ('fast_forward', 'prepare_promotion', 'join_secondary')
                             AND n.goal IN ('fast_forward', 'prepare_promotion', 'stop_replication'));
        nodes[i] := n;
        IF n.is_primary THEN p := n; END IF;
        IF n.is_old THEN o := n; END IF;
        IF n.is_winner AND w.nodeid IS NULL THEN w := n; END IF;
        g.waiting_standby := g.waiting_standby OR (n.reported = 'wait_standby' AND n.goal = 'wait_standby');
    END LOOP;

    SELECT count(*) FILTER (WHERE m.quorum AND m.goal <> 'dropped'),
           count(*) FILTER (WHERE m.goal = 'secondary' AND m.converged AND m.healthy),
           count(*) FILTER (WHERE m.goal = 'secondary' AND m.converged AND m.healthy AND m.quorum),
           coalesce(array_agg(m.nodeid) FILTER
             (WHERE m.goal = 'secondary' AND m.converged AND m.healthy
                AND (m.priority > 0 OR m.nodeid = memory.switchovertarget)), '{}'),
           coalesce(array_agg(m.nodeid) FILTER (WHERE m.stopped), '{}'),
           coalesce(array_agg(m.nodeid) FILTER
             (WHERE m.stopped
                 OR m.healthy AND m.goal IN ('secondary', 'catchingup', 'report_lsn')
                    AND m.reported IN ('secondary', 'catchingup', 'report_lsn', 'join_secondary')
                 -- one that leaves maintenance has what it received before, and may have acknowledged; it need not run yet
                 OR m.fresh AND m.goal IN ('catchingup', 'report_lsn') AND m.reported = 'maintenance'
                 -- one that was to go to maintenance is called back
                 OR m.fresh AND m.goal = 'wait_maintenance' AND m.reported IN ('secondary', 'catchingup', 'wait_maintenance')), '{}')
      INTO g.quorum_nodes, g.secondaries, g.sync_secondaries, electable, reporting, coming
      FROM unnest(nodes) AS m
     WHERE NOT m.is_primary AND NOT m.is_old;

    g.provable := pgautofailover.covers(memory.syncsets, coming);
    async_possible := EXISTS (SELECT FROM unnest(memory.syncsets) AS s WHERE s.number = 0);
    g.others_suffice := g.provable
        OR (async_possible AND EXISTS (SELECT FROM unnest(nodes) AS m
                                        WHERE m.nodeid = ANY (coming) AND m.healthy AND m.priority > 0));

    IF p.nodeid IS NOT NULL THEN
        g.names_changed := p.reported = 'primary' AND cardinality(memory.syncsets) > 1 AND NOT memory.namesfrozen;
        -- An election that could not be decided only takes away a primary that may come back.
        -- With the proof that nothing acknowledged is lost, a standby that is catching up is as good as a secondary.
        g.can_fail_over := (cardinality(electable) > 0
                            OR g.provable AND EXISTS (SELECT FROM unnest(nodes) AS m
                                                       WHERE m.nodeid = ANY (coming) AND m.healthy AND m.priority > 0))
            AND (NOT t.guard
                 OR CASE
                    -- its last acknowledged report said wait_primary: then it has no lease (a lone primary goes on
                    -- without the monitor), and only its own word proves that it has stopped
                    WHEN p.reported = 'wait_primary' THEN p.fresh
                    WHEN async_possible THEN NOT EXISTS (SELECT FROM unnest(memory.syncsets) AS s
                                                          WHERE s.number > 0 AND NOT pgautofailover.covers(ARRAY[s], coming))
                    ELSE g.provable
                    END);
        RETURN;
    END IF;

    -- no primary: a hand-over in good order, or an election
    g.old_stopped := memory.stoppedat IS NOT NULL;
    old_clean := memory.stoppedlsn IS NOT NULL;
    old_tli := coalesce(memory.stoppedtli, o.tli);
    old_position := coalesce(memory.stoppedlsn, o.lsn);

    -- Only a stop in good order leaves a shutdown checkpoint that standbys can be compared with. A 2.x keeper that is
    -- told to drain reports that Postgres is down before it reports draining.
    g.handover := (memory.switchoversince IS NOT NULL OR coalesce(o.goal IN ('prepare_maintenance', 'dropped'), false)
                   OR (o.nodeid IS NULL AND old_clean))
                  AND (old_clean OR (NOT g.old_stopped AND coalesce(o.healthy OR o.fresh, false)));
    g.drain_expired := memory.switchoversince IS NOT NULL AND NOT g.old_stopped
                       AND at - memory.switchoversince >= t.drain AND coalesce(o.fresh, false);

    IF g.handover AND old_clean AND w.nodeid IS NULL THEN
        -- strictly behind the start of its shutdown checkpoint is behind; the record itself must have arrived
        SELECT m.nodeid INTO g.takeover
          FROM unnest(nodes) AS m
         WHERE m.nodeid = ANY (electable) AND m.nodeid = coalesce(memory.switchovertarget, m.nodeid)
           AND m.tli = old_tli AND m.lsn > old_position
         ORDER BY m.priority DESC, m.lsn DESC, m.nodeid LIMIT 1;
        -- one of higher priority is about to have it
        IF memory.switchovertarget IS NULL AND at - coalesce(memory.stoppedat, at) < t.patience
           AND EXISTS (SELECT FROM unnest(nodes) AS m, unnest(nodes) AS mine
                        WHERE mine.nodeid = g.takeover AND m.nodeid = ANY (electable)
                          AND m.priority > mine.priority) THEN
            g.takeover := NULL;
        END IF;
    END IF;

    g.election := w.nodeid IS NULL AND g.takeover IS NULL
                  AND NOT (g.switchover AND coalesce(o.goal = 'demote_timeout' AND o.fresh, false))
                  AND NOT g.drain_expired
                  AND NOT (g.handover AND at - coalesce(greatest(o.since, memory.stoppedat, memory.switchoversince), at)
                                          < CASE WHEN old_clean THEN 2 * t.patience ELSE t.drain END);

    g.proven := pgautofailover.covers(memory.syncsets, reporting);

    -- the furthest position that was reported, and whether somebody healthy has it; what only a lost node has does not
    -- matter where the healthy ones prove by themselves that nothing acknowledged is missing
    living_prove := pgautofailover.covers(memory.syncsets,
        (SELECT coalesce(array_agg(m.nodeid), '{}') FROM unnest(nodes) AS m WHERE m.stopped AND m.healthy AND m.nodeid = ANY (reporting)));
    accepted := pgautofailover.nodes_of_accepted_timeline(formation_id, group_id);
    SELECT m.* INTO best FROM unnest(nodes) AS m
     WHERE m.stopped AND (m.healthy OR NOT living_prove) AND (accepted IS NULL OR m.nodeid = ANY (accepted)) ORDER BY m.tli DESC, m.lsn DESC, m.healthy DESC, m.nodeid LIMIT 1;
    best_healthy := coalesce(best.healthy, false);

    -- the history of a timeline tells where it left the one before; whoever went on there cannot fetch what follows
    FOR i IN 1 .. cardinality(nodes) LOOP
        IF nodes[i].stopped AND nodes[i].tli < best.tli THEN
            n := nodes[i];
            n.departed := coalesce(pgautofailover.where_left(best.nodeid, best.tli, n.tli) < n.lsn, false);
            nodes[i] := n;
        END IF;
    END LOOP;

    SELECT m.* INTO candidate FROM unnest(nodes) AS m
     WHERE m.stopped AND m.converged AND m.goal = 'report_lsn' AND m.healthy
       AND NOT (m.departed AND t.guard)
       AND (accepted IS NULL OR m.nodeid = ANY (accepted))
       AND (m.priority > 0 OR m.nodeid = memory.switchovertarget)
       -- an operator wants another one, if there is any
       AND NOT (m.is_old AND memory.switchoversince IS NOT NULL
                AND EXISTS (SELECT FROM unnest(nodes) AS x
                             WHERE NOT x.is_old AND x.goal = 'report_lsn' AND x.healthy
                               AND (x.priority > 0 OR x.nodeid = memory.switchovertarget)
                               AND (x.stopped OR at - x.since < t.patience)))
       AND (best_healthy OR (m.tli, m.lsn) = (best.tli, best.lsn) OR NOT t.guard)
     -- one on an older timeline may have left it too late to fetch what it lacks: only when there is no other
     ORDER BY (m.tli = best.tli) DESC, (m.nodeid = memory.switchovertarget) DESC NULLS LAST,
              m.priority DESC, m.tli DESC, m.lsn DESC, m.nodeid
     LIMIT 1;
    g.chosen := candidate.nodeid;
    g.chosen_behind := best_healthy AND NOT candidate.departed AND (candidate.tli, candidate.lsn) < (best.tli, best.lsn);

    -- An election may be decided when the old primary is fenced and what it acknowledged is there. A primary that had
    -- nobody to wait for has no lease: only its own word, or an operator's, proves that it has stopped.
    g.lease_ends := greatest(o.reporttime, memory.primarygone,
                             (SELECT min(m.since) FROM unnest(nodes) AS m WHERE m.stopped)) + t.demote;

    DECLARE
        old_reported bool := coalesce(o.stopped, false);
        leased bool := coalesce(o.reported NOT IN ('single', 'wait_primary'), true);
        fenced bool := g.proven OR g.old_stopped OR old_reported
            OR ((leased OR NOT t.guard) AND at >= g.lease_ends);
        complete bool := g.proven
            -- a winner that stopped before it was promoted had received more than its last checkpoint tells
            OR (old_clean AND (best.tli, best.lsn) >= (old_tli, old_position)
                AND (best.tli, best.lsn) >= (memory.floortli, memory.floorlsn))
            OR old_reported
            OR (async_possible
                AND best.tli >= coalesce(old_tli, 0)
                AND (best.tli, best.lsn) >= (memory.floortli, memory.floorlsn)
                AND (old_position IS NULL OR best.tli > old_tli
                     OR old_position - best.lsn <= t.promote_bytes)
                AND NOT EXISTS (SELECT FROM unnest(memory.syncsets) AS s
                                 WHERE s.number > 0 AND NOT pgautofailover.covers(ARRAY[s], reporting)));
    BEGIN
        g.may_promote := g.chosen IS NOT NULL AND fenced AND (complete OR NOT t.guard)
            -- somebody healthy of higher priority is about to report
            AND NOT EXISTS (SELECT FROM unnest(nodes) AS m
                             WHERE NOT m.stopped AND m.healthy AND m.goal = 'report_lsn' AND NOT m.is_old
                               AND at - m.since < t.patience
                               AND (m.priority > candidate.priority OR m.nodeid = memory.switchovertarget));
    END;

    SELECT string_agg(format('"%s"', m.name), ', ' ORDER BY m.nodeid) INTO g.missing
      FROM unnest(nodes) AS m
     WHERE NOT m.stopped AND (m.goal <> 'dropped' OR m.is_old)
       AND (m.is_old OR EXISTS (SELECT FROM unnest(memory.syncsets) AS s WHERE m.nodeid = ANY (s.members)));
END
$$;
