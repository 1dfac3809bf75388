-- Roles: nothing for PUBLIC; autoctl_node does what keepers and operators need; autoctl_viewer reads.
\set ECHO none
\i sql/include/transcript.sql
\set ECHO all

SET client_min_messages TO warning;
DROP ROLE IF EXISTS regress_pgaf_nobody;
RESET client_min_messages;
CREATE ROLE regress_pgaf_nobody;

-- D21: PUBLIC may execute nothing.
SELECT count(*) FROM pg_proc AS f
 WHERE f.pronamespace = 'pgautofailover'::regnamespace AND has_function_privilege('regress_pgaf_nobody', f.oid, 'EXECUTE');
SELECT has_schema_privilege('regress_pgaf_nobody', 'pgautofailover', 'USAGE');

-- D21: search_path is pinned in all functions.
SELECT count(*) FROM pg_proc AS f
 WHERE f.pronamespace = 'pgautofailover'::regnamespace
   AND NOT coalesce('search_path=pgautofailover, pg_catalog, pg_temp' = ANY (f.proconfig), false);

-- Nothing is written in C, and nothing is preloaded (D23).
SELECT DISTINCT l.lanname FROM pg_proc AS f JOIN pg_language AS l ON l.oid = f.prolang
 WHERE f.pronamespace = 'pgautofailover'::regnamespace ORDER BY 1;

-- What each role may call.
SELECT f.oid::regprocedure, has_function_privilege('autoctl_node', f.oid, 'EXECUTE') AS node,
       has_function_privilege('autoctl_viewer', f.oid, 'EXECUTE') AS viewer, f.prosecdef AS definer, f.proisstrict AS strict
  FROM pg_proc AS f WHERE f.pronamespace = 'pgautofailover'::regnamespace
 ORDER BY f.oid::regprocedure::text COLLATE "C";

-- Tables and views: both roles read all of them (D10: the view fsm too), and write none.
SELECT c.relname, has_table_privilege('autoctl_node', c.oid, 'SELECT') AS node,
       has_table_privilege('autoctl_viewer', c.oid, 'SELECT') AS viewer
  FROM pg_class AS c WHERE c.relnamespace = 'pgautofailover'::regnamespace AND c.relkind IN ('r', 'v') ORDER BY 1;
SELECT count(*) FROM pg_class AS c, unnest(ARRAY['autoctl_node', 'autoctl_viewer', 'regress_pgaf_nobody']) AS r (role)
 WHERE c.relnamespace = 'pgautofailover'::regnamespace AND c.relkind IN ('r', 'v')
   AND has_table_privilege(r.role, c.oid, 'INSERT, UPDATE, DELETE, TRUNCATE');
SELECT count(*) FROM pg_class AS c, unnest(ARRAY['autoctl_node', 'autoctl_viewer', 'regress_pgaf_nobody']) AS r (role)
 WHERE c.relnamespace = 'pgautofailover'::regnamespace AND c.relkind = 'S' AND has_sequence_privilege(r.role, c.oid, 'USAGE, UPDATE');

-- In use: a keeper's session.
\set VERBOSITY terse
SET ROLE autoctl_node;
SELECT assigned_group_state FROM pgautofailover.register_node('default', 'h', 5432, 'postgres', 'a', 1);
SELECT assigned_group_state FROM pgautofailover.node_active('default', 1, 0, 'single', true, 1, '0/1000');
SELECT doing FROM pgautofailover.explain();
SELECT count(*) > 0 FROM pgautofailover.fsm;
SELECT count(*) > 0 FROM pgautofailover.check_fsm_reachability('[]');
UPDATE pgautofailover.node SET goalstate = 'primary';
SELECT pgautofailover.assign(1, 'primary', 'x', 'y');
SELECT pgautofailover.compile_rules();
RESET ROLE;

-- A viewer's.
SET ROLE autoctl_viewer;
SELECT nodename, assigned_group_state FROM pgautofailover.current_state();
SELECT doing FROM pgautofailover.explain();
SELECT count(*) > 0 FROM pgautofailover.last_events();
SELECT pgautofailover.synchronous_standby_names();
SELECT count(*) FROM pgautofailover.settings() WHERE value = '';
SELECT pgautofailover.perform_failover();
SELECT pgautofailover.node_active('default', 1, 0);
SELECT pgautofailover.remove_node(1, true);
DELETE FROM pgautofailover.event;
RESET ROLE;

-- Somebody else's.
SET ROLE regress_pgaf_nobody;
SELECT * FROM pgautofailover.node;
SELECT pgautofailover.current_state();
RESET ROLE;

-- A search_path of the caller, with functions of the same names, makes no difference to a function that runs with its owner's rights.
CREATE SCHEMA regress_trap;
GRANT ALL ON SCHEMA regress_trap TO PUBLIC;
CREATE FUNCTION regress_trap.clock_timestamp() RETURNS timestamptz LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'trapped'; END $$;
CREATE FUNCTION regress_trap.now() RETURNS timestamptz LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'trapped'; END $$;
SET search_path TO regress_trap, pg_catalog;
SELECT assigned_group_state FROM pgautofailover.node_active('default', 1, 0, 'single', true, 1, '0/2000');
SELECT assigned_group_state FROM pgautofailover.node_active('default', 1, 0, 'single', false, 1, '0/2000');
SELECT pgautofailover.tick();
SET search_path TO transcript, pgautofailover, public;
SET client_min_messages TO warning;
DROP SCHEMA regress_trap CASCADE;
DROP ROLE regress_pgaf_nobody;

-- A role that exists already is kept as it is.
DROP EXTENSION pgautofailover CASCADE;
ALTER ROLE autoctl_node NOLOGIN;
CREATE EXTENSION pgautofailover;
SELECT rolname, rolcanlogin FROM pg_roles WHERE rolname IN ('autoctl_node', 'autoctl_viewer') ORDER BY 1;
ALTER ROLE autoctl_node LOGIN;
