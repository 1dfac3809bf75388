-- Compile the rules, pin search_path everywhere, roles and privileges.

DO $$ BEGIN PERFORM pgautofailover.compile_rules(); END $$;

DO $$
DECLARE
    f record;
BEGIN
    FOR f IN SELECT p.oid::regprocedure AS signature FROM pg_proc AS p
              WHERE p.pronamespace = 'pgautofailover'::regnamespace AND p.proname <> 'match_rule' LOOP
        EXECUTE format('ALTER FUNCTION %s SET search_path = pgautofailover, pg_catalog, pg_temp', f.signature);
    END LOOP;
END
$$;

-- A failover meets sessions that have seen none. There a statement with parameters would be planned anew for its first five
-- executions, which costs more than all that they do; no plan here depends on the values. Everything is in memory: with
-- random_page_cost as for a disk, a formation among a hundred would be looked for by reading them all.
DO $$
DECLARE
    f record;
BEGIN
    FOR f IN SELECT p.oid::regprocedure AS signature FROM pg_proc AS p
              WHERE p.pronamespace = 'pgautofailover'::regnamespace
                AND p.proname IN ('node_active', 'evaluate', 'report_health', 'tick', 'assign_by_call') LOOP
        EXECUTE format('ALTER FUNCTION %s SET plan_cache_mode = force_generic_plan', f.signature);
        EXECUTE format('ALTER FUNCTION %s SET random_page_cost = 1.1', f.signature);
    END LOOP;
END
$$;

-- A role that already exists keeps its attributes: an operator may have given it a password, or no LOGIN.
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'autoctl_node') THEN
        CREATE ROLE autoctl_node LOGIN;
    END IF;
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'autoctl_viewer') THEN
        CREATE ROLE autoctl_viewer LOGIN;
    END IF;
END
$$;

REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA pgautofailover FROM PUBLIC;

GRANT USAGE ON SCHEMA pgautofailover TO autoctl_node, autoctl_viewer;
GRANT SELECT ON ALL TABLES IN SCHEMA pgautofailover TO autoctl_node, autoctl_viewer;

-- What keepers and operators call. Everything else is for the functions themselves.
DO $$
DECLARE
    f record;
    reading CONSTANT text[] := ARRAY[
        'extension_version', 'setting', 'setting_catalog', 'setting_interval', 'settings', 'setting_defaults', 'parse_ms', 'parse_bytes', 'is_writable',
        'health_text', 'get_formation', 'get_node', 'get_nodes', 'get_primary', 'get_other_nodes', 'get_coordinator',
        'get_most_advanced_standby', 'last_events', 'events_since', 'events_between', 'current_state',
        'synchronous_standby_names', 'wanted_sync_set', 'formation_settings', 'formation_uri', 'node_timeline_status',
        'rules', 'dump_fsm', 'dump_fsm_edges', 'check_fsm_reachability', 'explain', 'group_setting_limits', 'group_settings'];
    writing CONSTANT text[] := ARRAY[
        'create_formation', 'drop_formation', 'enable_secondary', 'disable_secondary',
        'set_formation_number_sync_standbys', 'register_node', 'set_node_system_identifier',
        'set_group_system_identifier', 'update_node_metadata', 'set_node_region', 'report_postgres_version',
        'node_active', 'open_session', 'close_session', 'report_upstream', 'report_health', 'tick', 'tick_pause', 'purge_events', 'remove_node',
        'perform_failover', 'perform_promotion', 'start_maintenance', 'stop_maintenance',
        'set_node_candidate_priority', 'set_node_replication_quorum', 'report_timeline_history', 'issue_timeline', 'accept_timeline',
        'resolve_accepted_timeline', 'set_group_settings', 'report_settings'];
BEGIN
    FOR f IN SELECT p.oid::regprocedure AS signature, p.proname FROM pg_proc AS p
              WHERE p.pronamespace = 'pgautofailover'::regnamespace LOOP
        IF f.proname = ANY (reading) THEN
            EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO autoctl_node, autoctl_viewer', f.signature);
        ELSIF f.proname = ANY (writing) THEN
            EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO autoctl_node', f.signature);
        END IF;
    END LOOP;
END
$$;
