-- Claim ReadsChangeNothing: what show, explain, watch and status call runs in a read-only transaction.
\set ECHO none
\i sql/include/transcript.sql
\set ECHO all

SELECT group_of('a', 'b', 'c');
SELECT silent('a');
CREATE TABLE transcript.before AS SELECT contents();
BEGIN READ ONLY;
SELECT count(*) FROM explain();
SELECT count(*) FROM current_state();
SELECT count(*) FROM current_state('default', 0);
SELECT count(*) FROM get_nodes();
SELECT primary_name FROM get_primary();
SELECT count(*) FROM get_other_nodes(1);
SELECT count(*) FROM get_other_nodes(1, 'secondary');
SELECT count(*) FROM get_coordinator();
SELECT count(*) FROM get_most_advanced_standby();
SELECT count(*) FROM last_events();
SELECT count(*) FROM last_events('default', count => 5);
SELECT count(*) FROM last_events('default', 0, 5);
SELECT count(*) > 0 FROM events_since(0);
SELECT count(*) > 0 FROM events_between('-infinity');
SELECT synchronous_standby_names();
SELECT count(*) FROM formation_settings();
SELECT formation_uri();
SELECT count(*) FROM settings();
SELECT setting('drain_timeout');
SELECT count(*) > 0 FROM rules();
SELECT count(*) > 0 FROM fsm;
SELECT count(*) > 0 FROM dump_fsm_edges();
SELECT count(*) > 0 FROM check_fsm_reachability('[]');
SELECT count(*) FROM node_timeline_status('default', 0);
SELECT extension_version();
COMMIT;
SELECT contents() = (SELECT b.contents FROM before AS b);

-- All functions that autoctl_viewer may call are declared as such.
SELECT f.oid::regprocedure FROM pg_proc AS f
 WHERE f.pronamespace = 'pgautofailover'::regnamespace AND f.provolatile = 'v' AND has_function_privilege('autoctl_viewer', f.oid, 'EXECUTE')
   AND f.proname NOT IN ('dump_fsm', 'dump_fsm_edges');
