-- Names: quotes, unicode, control characters, more than 63 bytes, and SQL in them.
\set ECHO none
\i sql/include/transcript.sql
\set ECHO all

CREATE TABLE transcript.names (id serial, name text);
INSERT INTO names (name) VALUES
    ('it''s'), ('say "hi"'), ('back\slash'), ('per%cent %s %1$s'), ('new' || E'\n' || 'line'), ('tab' || E'\t' || 'x'),
    ('bell' || E'\u0007'), ('日本語ノード'), ('🐘' || repeat('é', 100)), (repeat('n', 255)), ('a'',1);DROP TABLE pgautofailover.node;--'),
    ('$$; DELETE FROM pgautofailover.event; $$'), ('{"json": [1]}'), ('{n} {p} {o} {w}'), ('(x,y)'), ('NULL'), (' ');

-- Each is the name of a formation (where it has at most 63 bytes), of a node and of a host, and goes through everything.
DO $$
DECLARE
    x record;
    f text;
    a bigint;
    b bigint;
BEGIN
    FOR x IN SELECT * FROM names ORDER BY id LOOP
        f := CASE WHEN octet_length(x.name) <= 63 THEN x.name ELSE 'f' || x.id END;
        PERFORM create_formation(f, 'pgsql', f::name, true, 0);
        SELECT assigned_node_id INTO a FROM register_node(f, x.name, 5432, f::name, x.name, 1, node_region => x.name);
        PERFORM node_active(f, a, 0, 'single', true, 1, '0/1000');
        SELECT assigned_node_id INTO b FROM register_node(f, x.name, 5433, f::name, 'b', 1);
        PERFORM node_active(f, b, 0, 'wait_standby', false);
        PERFORM node_active(f, a, 0, 'wait_primary', true, 1, '0/1000');
        PERFORM node_active(f, b, 0, 'catchingup', true, 1, '0/1000');
        PERFORM node_active(f, b, 0, 'secondary', true, 1, '0/1000');
        PERFORM node_active(f, a, 0, 'primary', true, 1, '0/1000', 'sync');
        PERFORM set_node_candidate_priority(f, x.name, 50);
        PERFORM node_active(f, a, 0, 'apply_settings', true, 1, '0/1000', 'sync');
        PERFORM node_active(f, a, 0, 'primary', true, 1, '0/1000', 'sync');
        PERFORM set_node_region(f, x.name, x.name);
        PERFORM update_node_metadata(a, x.name, x.name, 5432);
        PERFORM report_health(ARRAY[a], '{0}', '{refused}', ARRAY[x.name]);
        PERFORM report_health(ARRAY[a], '{1}', '{denied}', ARRAY[x.name]);
        PERFORM explain(f);
        PERFORM formation_uri(f), formation_settings(f), current_state(f), last_events(f), synchronous_standby_names(f);
        PERFORM set_config('pgautofailover.reason', x.name, true);
        PERFORM perform_promotion(f, 'b');
        PERFORM set_config('pgautofailover.reason', '', true);
        PERFORM node_active(f, a, 0, 'draining', false, 1, '0/2000');
        PERFORM node_active(f, b, 0, 'secondary', true, 1, '0/2078');
        PERFORM explain(f);
        BEGIN
            PERFORM start_maintenance(a);
        EXCEPTION WHEN object_not_in_prerequisite_state THEN
            RAISE NOTICE '%: %', x.id, replace(sqlerrm, '"' || x.name || '"', '<the name>');
        END;
    END LOOP;
END
$$;
SELECT count(*) FROM names JOIN node ON nodename = name AND nodehost = name AND region = name;
SELECT count(*) FROM event JOIN names ON reason = name WHERE goalstate = 'draining';
SELECT count(*) FROM names JOIN explain(CASE WHEN octet_length(name) <= 63 THEN name ELSE 'f' || id END) ON node_name = name;

-- What a rule says about a node holds its name as it is, also when the name looks like a placeholder.
SELECT name, description FROM event JOIN names ON nodename = name WHERE rule = 'first_standby' AND id IN (1, 2, 4, 14) ORDER BY id;

-- Too long, or empty.
SELECT fails($$SELECT pgautofailover.register_node('default', repeat('h', 256), 5432, 'postgres')$$);
SELECT fails($$SELECT pgautofailover.register_node('default', 'h', 5432, 'postgres', repeat('é', 128))$$);
SELECT fails($$SELECT pgautofailover.create_formation(repeat('é', 32), 'pgsql', 'app', true, 0)$$);

-- The longest of everything, in characters that JSON escapes to six bytes each: the notification still fits.
SELECT create_formation(repeat(E'\u0001', 63), 'pgsql', 'app', true, 0) IS NOT NULL;
SELECT assigned_group_state FROM register_node(repeat(E'\u0001', 63), repeat(E'\u0002', 255), 5432, 'app', repeat(E'\u0003', 255), 1);
