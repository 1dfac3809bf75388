-- NULL arguments: nothing happens, except where the specification says that something is said (XX000).
\set ECHO none
\i sql/include/transcript.sql
\set ECHO all

SELECT group_of('a', 'b');
CREATE TABLE transcript.before AS SELECT contents();

-- A strict function answers NULL, or no row; one row of NULLs for a function with OUT parameters.
DO $$
DECLARE
    f record;
    args text;
    result text;
    rows bigint;
    calls int := 0;
BEGIN
    FOR f IN SELECT p.oid, p.oid::regprocedure::text AS signature, p.proname, p.pronargs, p.proretset, p.proargtypes
               FROM pg_proc AS p
              WHERE p.pronamespace = 'pgautofailover'::regnamespace AND p.proisstrict AND p.pronargs > 0
              ORDER BY 2 LOOP
        FOR i IN 0 .. f.pronargs - 1 LOOP
            -- NULL for the argument i, and something for all others
            SELECT string_agg(CASE WHEN a.ord - 1 = i THEN format('NULL::%s', format_type(a.typ, NULL))
                                   WHEN a.typ = 'text'::regtype THEN '''default''::text'
                                   WHEN a.typ = 'jsonb'::regtype THEN '''[]''::jsonb'
                                   WHEN a.typ = 'bool'::regtype THEN 'true'
                                   WHEN a.typ = 'pg_lsn'::regtype THEN '''0/1000''::pg_lsn'
                                   WHEN a.typ = 'interval'::regtype THEN '''1 s''::interval'
                                   WHEN a.typ = 'pgautofailover.replication_state'::regtype THEN '''primary''::pgautofailover.replication_state'
                                   WHEN a.typ::regtype::text LIKE '%[]' THEN format('''{}''::%s', format_type(a.typ, NULL))
                                   ELSE format('1::%s', format_type(a.typ, NULL)) END, ', ' ORDER BY a.ord)
              INTO args
              FROM unnest(f.proargtypes::oid[]) WITH ORDINALITY AS a (typ, ord);
            BEGIN
                EXECUTE format('SELECT count(*), string_agg(x::text, '';'') FROM (SELECT * FROM pgautofailover.%I(%s)) AS x', f.proname, args)
                  INTO rows, result;
            EXCEPTION WHEN ambiguous_function THEN
                -- last_events(text, int): of a formation or of a group, when the count is left out
                CONTINUE;
            END;
            IF f.proretset AND rows <> 0 OR result ~ '[^(),]' THEN
                RAISE NOTICE '%(%): % row(s): %', f.proname, args, rows, result;
            END IF;
            calls := calls + 1;
        END LOOP;
    END LOOP;
    RAISE NOTICE 'all of % calls with a NULL were ignored', calls;
END
$$;
SELECT contents() = (SELECT b.contents FROM before AS b);

-- The functions that are not strict.
SELECT f.oid::regprocedure FROM pg_proc AS f
 WHERE f.pronamespace = 'pgautofailover'::regnamespace AND NOT f.proisstrict AND f.pronargs > 0
   AND has_function_privilege('autoctl_node', f.oid, 'EXECUTE') ORDER BY f.oid::regprocedure::text COLLATE "C";
SELECT fails('SELECT pgautofailover.get_nodes(NULL, 0)');
SELECT fails($$SELECT pgautofailover.update_node_metadata(NULL, 'a', 'b', 1)$$);
SELECT fails('SELECT pgautofailover.report_postgres_version(NULL)');
SELECT fails($$SELECT pgautofailover.report_timeline_history(NULL, NULL)$$);
SELECT fails('SELECT pgautofailover.accept_timeline(NULL, NULL, NULL)');
SELECT works('SELECT pgautofailover.resolve_accepted_timeline(NULL, NULL)');
SELECT works('SELECT count(*) FROM pgautofailover.events_since(NULL)');
SELECT works('SELECT count(*) FROM pgautofailover.events_between(NULL)');
SELECT works('SELECT count(*) > 0 FROM pgautofailover.check_fsm_reachability(NULL)');
SELECT fails('SELECT pgautofailover.testing_set_node_health(NULL)');
SELECT contents() = (SELECT b.contents FROM before AS b);
