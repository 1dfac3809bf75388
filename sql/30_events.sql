-- Events and notifications: every change of a reported or assigned state is one row of event and one NOTIFY.
--
-- What decisions call is PL/pgSQL, also where one SELECT would do: a function in SQL that pins search_path is parsed and
-- planned anew at each call.

CREATE FUNCTION pgautofailover.health_text(health int) RETURNS text
LANGUAGE plpgsql IMMUTABLE
AS $$ BEGIN RETURN CASE health WHEN 1 THEN 'good' WHEN 0 THEN 'bad' ELSE 'unknown' END; END $$;

-- Remember who asked, for the events of this transaction. Called by every function that operators call.
CREATE FUNCTION pgautofailover.note_caller() RETURNS void
LANGUAGE plpgsql
AS $$
BEGIN
    PERFORM set_config('pgautofailover.requested_by',
                       concat_ws(' ', session_user, nullif(current_setting('application_name', true), '')),
                       true);
END
$$;

-- Text for people on channel log. A payload has less than 8000 bytes.
CREATE FUNCTION pgautofailover.log_message(message text) RETURNS void
LANGUAGE plpgsql
AS $$ BEGIN PERFORM pg_notify('log', left(message, 1900)); END $$;

-- One event about a node as its row is, and its notification on channel state.
CREATE FUNCTION pgautofailover.write_event(
    n pgautofailover.node, event_rule text, event_description text,
    event_pos int DEFAULT NULL, event_section pgautofailover.fsm_section DEFAULT NULL
) RETURNS bigint
LANGUAGE plpgsql
AS $$
DECLARE
    new_id bigint;
BEGIN
    INSERT INTO pgautofailover.event
           (formationid, nodeid, groupid, nodename, nodehost, nodeport, reportedstate, goalstate,
            reportedrepstate, reportedtli, reportedlsn, candidatepriority, replicationquorum,
            description, rule_pos, rule_section, rule, requested_by, reason)
    VALUES (n.formationid, n.nodeid, n.groupid, n.nodename, n.nodehost, n.nodeport, n.reportedstate, n.goalstate,
            n.reportedrepstate, n.reportedtli, n.reportedlsn, n.candidatepriority, n.replicationquorum,
            event_description, event_pos, event_section, event_rule,
            nullif(current_setting('pgautofailover.requested_by', true), ''),
            nullif(current_setting('pgautofailover.reason', true), ''))
    RETURNING eventid INTO new_id;

    -- built by hand: the order of keys and the missing space after "health" are part of the interface
    PERFORM pg_notify('state', format(
        '{"type": "state", "formation": %s, "groupId": %s, "nodeId": %s, "name": %s, "host": %s, "port": %s, '
        '"reportedState": "%s", "goalState": "%s", "health":"%s", "eventId": %s, "rule": %s}',
        to_json(n.formationid), n.groupid, n.nodeid, to_json(n.nodename), to_json(n.nodehost), n.nodeport,
        n.reportedstate, n.goalstate, pgautofailover.health_text(n.health),
        new_id, coalesce(to_json(event_rule)::text, 'null')));

    RETURN new_id;
END
$$;

-- The same about a node whose row has to be read first.
CREATE FUNCTION pgautofailover.record_event(node_id bigint, event_rule text, event_description text) RETURNS bigint
LANGUAGE plpgsql
AS $$
DECLARE
    n pgautofailover.node;
BEGIN
    SELECT * INTO n FROM pgautofailover.node WHERE nodeid = node_id;
    RETURN pgautofailover.write_event(n, event_rule, event_description);
END
$$;
