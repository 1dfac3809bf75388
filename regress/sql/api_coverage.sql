-- Every function of the interface, with the tests in which it worked and in which it failed with each specified SQLSTATE.
-- A line that says MISSING is a function or an error without a test. (The tests before this one wrote public.covered.)
\set ECHO none
\i sql/include/transcript.sql
\set ECHO all

-- What must be covered: signature, and the outcomes that the specification (or this extension, below the line) names.
CREATE TABLE transcript.required (pos serial, signature text, outcomes text);
INSERT INTO required (signature, outcomes) VALUES
 -- formations
 ('create_formation(text,text,name,boolean,integer)', 'ok 22023 23505 23514'),
 ('drop_formation(text)', 'ok XX000 23503'),
 ('enable_secondary(text)', 'ok 22023'),
 ('disable_secondary(text)', 'ok 22023 55000'),
 ('set_formation_number_sync_standbys(text,integer)', 'ok 22023 XX000 55000'),
 ('formation_settings(text)', 'ok'),
 ('formation_uri(text,text,text,text,text)', 'ok'),
 -- registration and identity
 ('register_node(text,text,integer,name,text,bigint,bigint,integer,replication_state,text,integer,boolean,text,text)',
  'ok 22023 42P17 XX000 55006 55000 23505 23P01 23514'),
 ('set_node_system_identifier(bigint,bigint)', 'ok 23P01'),
 ('set_group_system_identifier(bigint,bigint)', 'ok'),
 ('update_node_metadata(bigint,text,text,integer)', 'ok XX000 42704 23505 22023'),
 ('set_node_region(text,text,text)', 'ok 42704 22023'),
 ('report_postgres_version(bigint,integer,text,text,text)', 'ok XX000'),
 -- the heartbeat
 ('node_active(text,bigint,integer,replication_state,boolean,integer,pg_lsn,text)', 'ok 22023 42704 42P17 23514 55000'),
 -- reading
 ('get_nodes(text,integer)', 'ok XX000'),
 ('get_primary(text,integer)', 'ok XX000'),
 ('get_other_nodes(bigint)', 'ok 42704'),
 ('get_other_nodes(bigint,replication_state)', 'ok 42704'),
 ('get_coordinator(text)', 'ok'),
 ('get_most_advanced_standby(text,integer,bigint)', 'ok'),
 ('last_events(integer)', 'ok'),
 ('last_events(text,integer)', 'ok'),
 ('last_events(text,integer,integer)', 'ok'),
 ('current_state(text)', 'ok'),
 ('current_state(text,integer)', 'ok'),
 ('synchronous_standby_names(text,integer)', 'ok 42P17'),
 -- removal
 ('remove_node(bigint,boolean)', 'ok 42704'),
 ('remove_node(text,integer,boolean)', 'ok 42704'),
 -- failover and promotion
 ('perform_failover(text,integer)', 'ok XX000 55000'),
 ('perform_promotion(text,text)', 'ok 42704 55000'),
 -- maintenance
 ('start_maintenance(bigint)', 'ok 55000 XX000'),
 ('stop_maintenance(bigint)', 'ok 55000'),
 -- replication settings
 ('set_node_candidate_priority(text,text,integer)', 'ok 42704 22023 55000'),
 ('set_node_replication_quorum(text,text,boolean)', 'ok 42704 XX000 22023 55000'),
 -- timelines and rules
 ('report_timeline_history(bigint,jsonb)', 'ok 23503 22023 22P02'),
 ('issue_timeline(bigint)', 'ok 42704'),
 ('accept_timeline(text,integer,integer,text)', 'ok P0001'),
 ('resolve_accepted_timeline(text,integer)', 'ok'),
 ('node_timeline_status(text,integer)', 'ok'),
 ('dump_fsm()', 'ok'),
 ('dump_fsm_edges()', 'ok'),
 ('check_fsm_reachability(jsonb)', 'ok 22P02'),
 ('testing_lock_formation(text)', 'ok'),
 ('testing_lock_node_group(text,integer)', 'ok'),
 ('testing_set_node_health(bigint,integer,interval,interval,interval)', 'ok 42704'),
 -- ours
 ('extension_version()', 'ok'),
 ('setting(text)', 'ok 42704'),
 ('settings()', 'ok'),
 ('rules()', 'ok'),
 ('events_since(bigint,text)', 'ok'),
 ('events_between(timestamp with time zone,timestamp with time zone,text)', 'ok'),
 ('explain(text,integer)', 'ok 42704'),
 ('open_session(bigint)', 'ok 42704'),
 ('close_session(bigint)', 'ok 42704'),
 ('report_upstream(bigint,boolean)', 'ok 42704'),
 ('report_health(bigint[],integer[],text[],text[])', 'ok 22023'),
 ('tick()', 'ok'),
 ('tick_pause()', 'ok'),
 ('purge_events()', 'ok'),
 ('group_setting_limits()', 'ok'),
 ('group_settings(text,integer)', 'ok'),
 ('set_group_settings(text,integer,jsonb)', 'ok 22023 42704 55000'),
 ('report_settings(bigint,jsonb)', 'ok 42704');

SELECT works($$SELECT doing FROM pgautofailover.explain('default', 0) WHERE false$$) FROM register('x');
SELECT fails($$SELECT pgautofailover.explain('nowhere')$$);
SELECT fails($$SELECT pgautofailover.explain('default', 7)$$);

-- The list.
SELECT format(E'%s\n', r.signature)
       || (SELECT string_agg(format('  %s: %s', o.outcome,
                                    coalesce((SELECT string_agg(c.test, ', ' ORDER BY c.test) FROM public.covered AS c
                                               WHERE c.signature = r.signature AND c.outcome = o.outcome), 'MISSING')),
                             E'\n' ORDER BY o.ord)
             FROM unnest(string_to_array(r.outcomes, ' ')) WITH ORDINALITY AS o (outcome, ord))
  FROM required AS r ORDER BY r.pos;

-- Every function that a keeper or an operator may call is in the list, or is a part of another one.
SELECT f.oid::regprocedure AS not_in_the_list FROM pg_proc AS f
 WHERE f.pronamespace = 'pgautofailover'::regnamespace AND has_function_privilege('autoctl_node', f.oid, 'EXECUTE')
   AND f.oid::regprocedure::text NOT IN (SELECT signature FROM required)
   AND f.proname NOT IN ('get_formation', 'get_node', 'is_writable', 'health_text', 'parse_ms', 'parse_bytes', 'setting_defaults', 'wanted_sync_set')
 ORDER BY 1;

-- Every function of the list exists, under that name.
SELECT r.signature AS does_not_exist FROM required AS r
 WHERE NOT EXISTS (SELECT FROM pg_proc AS f WHERE f.pronamespace = 'pgautofailover'::regnamespace AND f.oid::regprocedure::text = r.signature);

-- No test met an internal error where none is specified.
SELECT c.signature, c.test FROM public.covered AS c
 WHERE c.outcome = 'XX000' AND NOT EXISTS (SELECT FROM required AS r WHERE r.signature = c.signature AND 'XX000' = ANY (string_to_array(r.outcomes, ' ')));

-- Every rule was applied in some transcript.
SELECT r.pos, r.name AS never_applied FROM rule AS r
 WHERE r.name NOT IN (SELECT a.rule FROM public.rules_applied AS a) AND r.goal IS NOT NULL ORDER BY r.pos;
