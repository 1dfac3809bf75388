-- pgautofailover: the monitor of pgaf. Everything is SQL and PL/pgSQL; the script runs as an extension
-- script (CREATE EXTENSION pgautofailover) and, where no file may be written on the server, as it is.

CREATE SCHEMA pgautofailover;

COMMENT ON SCHEMA pgautofailover IS
'pgaf monitor: formations, groups and nodes, the rules that assign states, and the events they cause';

-- Reported and assigned states share one type. The order is part of the interface.
CREATE TYPE pgautofailover.replication_state AS ENUM (
    'unknown',
    'init',
    'single',
    'wait_primary',
    'primary',
    'draining',
    'demote_timeout',
    'demoted',
    'catchingup',
    'secondary',
    'prepare_promotion',
    'stop_replication',
    'wait_standby',
    'maintenance',
    'join_primary',
    'apply_settings',
    'prepare_maintenance',
    'wait_maintenance',
    'report_lsn',
    'fast_forward',
    'join_secondary',
    'dropped'
);

-- Where a rule stands in the list of rules.
CREATE TYPE pgautofailover.fsm_section AS ENUM (
    'api_triggered',
    'early_checks',
    'reporting_node',
    'primary_node'
);

-- One value of synchronous_standby_names that a primary may have in effect: ANY number (members).
-- number = 0 stands for '' (commits wait for nobody).
CREATE TYPE pgautofailover.sync_set AS (
    members bigint[],
    number  int
);

-- The version of these objects; the same with and without extension files.
CREATE FUNCTION pgautofailover.extension_version() RETURNS text
LANGUAGE sql IMMUTABLE
AS $$ SELECT '3.0' $$;
