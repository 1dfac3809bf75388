-- The rules, for people and for the comparison with the keepers edges.
\set ECHO none
\i sql/include/transcript.sql
\set ECHO all

SELECT works('SELECT pos, section, name, assigned_state FROM pgautofailover.rules()');
SELECT works('SELECT count(*) = (SELECT count(*) FROM pgautofailover.rules()) FROM pgautofailover.dump_fsm()');
SELECT * FROM fsm WHERE pos = 303;
SELECT works('SELECT * FROM pgautofailover.dump_fsm_edges() WHERE pos = 311');

-- Every goal that the rules can assign can be reached by the keeper.
SELECT works($$SELECT * FROM pgautofailover.check_fsm_reachability(
                 (SELECT jsonb_agg(jsonb_build_object('current', reported, 'assigned', goal)) FROM transcript.keeper_edge))$$);

-- Of the keeper's edges, those that no rule assigns: for older monitors, or done by the keeper on its own.
SELECT k.reported, k.goal FROM keeper_edge AS k
 WHERE NOT EXISTS (SELECT FROM dump_fsm_edges() AS e
                    WHERE e.assigned_state::text = k.goal AND k.reported IN ('any', e.current_state::text))
 ORDER BY k.goal, k.reported;

-- A keeper without edges can reach nothing.
SELECT works($$SELECT count(*) > 0 FROM pgautofailover.check_fsm_reachability('[]')$$);
SELECT works($$SELECT count(*) FROM pgautofailover.check_fsm_reachability('[{"current": "any", "assigned": "draining"}]') WHERE assigned_state = 'draining'$$);
SELECT fails($$SELECT pgautofailover.check_fsm_reachability('[{"current": "nowhere", "assigned": "draining"}]')$$);

-- Every rule compiles, and the compiled function is what the table says.
SELECT pg_get_functiondef('match_rule'::regproc) AS before \gset
SELECT compile_rules();
SELECT pg_get_functiondef('match_rule'::regproc) = :'before';
