-- Tables. The column lists up to the marked place are the interface of pg_auto_failover 2.x; ours follow.

CREATE TABLE pgautofailover.formation (
    formationid          text NOT NULL DEFAULT 'default' PRIMARY KEY,
    kind                 text NOT NULL DEFAULT 'pgsql',
    dbname               name NOT NULL DEFAULT 'postgres',
    opt_secondary        bool NOT NULL DEFAULT true,
    number_sync_standbys int  NOT NULL DEFAULT 0,

    CONSTRAINT formation_kind_check CHECK (kind IN ('pgsql', 'citus')),
    CONSTRAINT formation_number_sync_standbys_check CHECK (number_sync_standbys >= 0)
);

INSERT INTO pgautofailover.formation (formationid) VALUES ('default');

CREATE TABLE pgautofailover.node (
    formationid             text NOT NULL DEFAULT 'default' REFERENCES pgautofailover.formation (formationid),
    nodeid                  bigserial PRIMARY KEY,
    groupid                 int NOT NULL,
    nodename                text NOT NULL,
    nodehost                text NOT NULL,
    nodeport                int NOT NULL,
    sysidentifier           bigint,
    goalstate               pgautofailover.replication_state NOT NULL DEFAULT 'init',
    reportedstate           pgautofailover.replication_state NOT NULL,
    reportedpgisrunning     bool DEFAULT true,
    reportedrepstate        text DEFAULT 'async',
    reporttime              timestamptz NOT NULL DEFAULT now(),
    reportedtli             int NOT NULL DEFAULT 1,
    reportedlsn             pg_lsn NOT NULL DEFAULT '0/0',
    walreporttime           timestamptz NOT NULL DEFAULT now(),
    health                  int NOT NULL DEFAULT -1,
    healthchecktime         timestamptz NOT NULL DEFAULT now(),
    statechangetime         timestamptz NOT NULL DEFAULT now(),
    candidatepriority       int NOT NULL DEFAULT 100,
    replicationquorum       bool NOT NULL DEFAULT true,
    nodecluster             text NOT NULL DEFAULT 'default',
    region                  text NOT NULL DEFAULT 'default',
    replication_stall_since timestamptz,
    pg_versionnum           int,
    pg_version              text,
    pg_versionstring        text,
    citus_version           text,
    -- ours
    sessionpid              int,          -- backend of the keeper's connection, from open_session()
    sessionlost             timestamptz,  -- when that backend was first seen to be gone
    healthsign              text,         -- last sign of the health check: see report_health()
    healthmessage           text,         -- what the server answered, when it answered with an error
    upstreamlost            timestamptz,  -- this standby's replication connection broke at that time
    reportsince             timestamptz NOT NULL DEFAULT '-infinity',  -- end of the last gap between its reports: see heard_since()

    CONSTRAINT node_reportedtli_check CHECK (reportedtli > 0),
    CONSTRAINT node_formationid_nodename_key UNIQUE (formationid, nodename),
    CONSTRAINT node_nodehost_nodeport_key UNIQUE (nodehost, nodeport),
    CONSTRAINT system_identifier_is_null_at_init_only
         CHECK (sysidentifier IS NOT NULL
                OR reportedstate IN ('init', 'wait_standby', 'catchingup', 'dropped'))
) WITH (fillfactor = 25);

-- every decision reads one group; a formation may have a thousand
CREATE INDEX node_formationid_groupid_idx ON pgautofailover.node (formationid, groupid);

-- What the monitor remembers of a group between two decisions, beside its nodes.
CREATE TABLE pgautofailover.node_group (
    formationid       text NOT NULL REFERENCES pgautofailover.formation (formationid) ON DELETE CASCADE,
    groupid           int  NOT NULL,
    primaryid         bigint,       -- the last node that was told to be writable; may be gone from node
    confirmedid       bigint,       -- the last one that reported to be what it was told then
    syncsets          pgautofailover.sync_set[] NOT NULL DEFAULT ARRAY[ROW('{}', 0)::pgautofailover.sync_set],
                                    -- every synchronous_standby_names that the primary may have in effect, newest last
    namesfrozen       bool NOT NULL DEFAULT true,  -- no set was added since the primary was last told to apply one
    floortli          int NOT NULL DEFAULT 0,      -- a node that has not reached (floortli, floorlsn) misses commits
    floorlsn          pg_lsn NOT NULL DEFAULT '0/0', -- that were acknowledged under synchronous replication
    switchoversince   timestamptz,  -- an operator asked the primary to hand over
    switchovertarget  bigint,       -- to this node; NULL: to the best one
    allowdataloss     bool NOT NULL DEFAULT false,  -- an operator let this election go on in any case
    stoppedat         timestamptz,  -- the old primary confirmed that it has stopped
    stoppedtli        int,          -- in good order, at this position; NULL: it crashed, or nobody knows
    stoppedlsn        pg_lsn,
    primarygone       timestamptz,  -- the primary's row was removed at that time
    issuedtli         int NOT NULL DEFAULT 0,  -- highest timeline that a node was given to begin, or had and has left

    PRIMARY KEY (formationid, groupid)
) WITH (fillfactor = 50);

CREATE TABLE pgautofailover.event (
    eventid           bigserial PRIMARY KEY,
    eventtime         timestamptz NOT NULL DEFAULT now(),
    formationid       text NOT NULL,
    nodeid            bigint NOT NULL,
    groupid           int NOT NULL,
    nodename          text NOT NULL,
    nodehost          text NOT NULL,
    nodeport          int NOT NULL,
    reportedstate     pgautofailover.replication_state NOT NULL,
    goalstate         pgautofailover.replication_state NOT NULL,
    reportedrepstate  text,
    reportedtli       int NOT NULL DEFAULT 1 CHECK (reportedtli > 0),
    reportedlsn       pg_lsn NOT NULL DEFAULT '0/0',
    candidatepriority int,
    replicationquorum bool,
    description       text,
    rule_pos          int,
    rule_section      pgautofailover.fsm_section,
    -- ours
    rule              text,   -- name of the rule, or of the call, that made this event
    requested_by      text,   -- session user and application of the operator's call
    reason            text    -- setting pgautofailover.reason of that call
);

CREATE INDEX event_eventtime_idx ON pgautofailover.event (eventtime);

CREATE TABLE pgautofailover.node_timeline_history (
    nodeid          bigint NOT NULL REFERENCES pgautofailover.node (nodeid) ON DELETE CASCADE,
    tli             int NOT NULL,
    parenttli       int NOT NULL,
    switchpoint_lsn pg_lsn NOT NULL,
    PRIMARY KEY (nodeid, tli)
);

CREATE TABLE pgautofailover.accepted_timeline (
    formationid  text NOT NULL,
    groupid      int NOT NULL,
    accepted_tli int NOT NULL,
    decided_by   text,
    decided_at   timestamptz NOT NULL DEFAULT now(),
    resolved_at  timestamptz,
    PRIMARY KEY (formationid, groupid, decided_at)
);

-- All system identifiers of a group are equal; checked at commit, as nodes of a group may change theirs together.
CREATE FUNCTION pgautofailover.check_system_identifier() RETURNS trigger
LANGUAGE plpgsql
AS $$
DECLARE
    other record;
BEGIN
    SELECT n.nodeid, n.nodename, n.sysidentifier, mine.sysidentifier AS my_sysidentifier INTO other
      FROM pgautofailover.node AS mine
      JOIN pgautofailover.node AS n USING (formationid, groupid)
     WHERE mine.nodeid = NEW.nodeid
       AND n.sysidentifier <> mine.sysidentifier
     ORDER BY n.nodeid LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'node % "%" has system identifier % and its group has %',
              NEW.nodeid, NEW.nodename, other.my_sysidentifier, other.sysidentifier
              USING ERRCODE = 'exclusion_violation',
                    CONSTRAINT = 'same_system_identifier_within_group',
                    DETAIL = format('Node %s "%s" of formation "%s", group %s, was registered with %s.',
                                    other.nodeid, other.nodename, NEW.formationid, NEW.groupid,
                                    other.sysidentifier),
                    HINT = 'All nodes of a group are copies of one PostgreSQL cluster. '
                           'Use an empty PGDATA, or another formation.';
    END IF;
    RETURN NULL;
END
$$;

CREATE CONSTRAINT TRIGGER same_system_identifier_within_group
  AFTER INSERT OR UPDATE OF sysidentifier, groupid, formationid ON pgautofailover.node
  DEFERRABLE INITIALLY DEFERRED
  FOR EACH ROW EXECUTE FUNCTION pgautofailover.check_system_identifier();

-- Secondaries are switched off for a formation only when none is left.
CREATE FUNCTION pgautofailover.update_secondary_check() RETURNS trigger
LANGUAGE plpgsql
AS $$
DECLARE
    standby record;
BEGIN
    IF NEW.opt_secondary OR NOT OLD.opt_secondary THEN
        RETURN NEW;
    END IF;
    SELECT n.nodeid, n.nodename, n.reportedstate INTO standby
      FROM pgautofailover.node AS n
     WHERE n.formationid = NEW.formationid
       AND n.reportedstate <> 'single' AND n.goalstate <> 'dropped'
     ORDER BY n.nodeid LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'formation "%" still has nodes that are not single', NEW.formationid
              USING ERRCODE = 'object_not_in_prerequisite_state',
                    DETAIL = format('Node %s "%s" reports state %s.',
                                    standby.nodeid, standby.nodename, standby.reportedstate),
                    HINT = 'Drop the secondary nodes first: pgaf drop node --name NAME.';
    END IF;
    RETURN NEW;
END
$$;

CREATE TRIGGER disable_secondary_check
  BEFORE UPDATE ON pgautofailover.formation
  FOR EACH ROW EXECUTE FUNCTION pgautofailover.update_secondary_check();
