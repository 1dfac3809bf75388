-- Settings that a standby must match, for a whole group: in which order the nodes take them.
\set ECHO none
\i sql/include/transcript.sql

-- A keeper says what its Postgres uses.
CREATE FUNCTION transcript.uses(node text, VARIADIC settings text[]) RETURNS SETOF text LANGUAGE plpgsql AS $$
BEGIN
    RETURN QUERY SELECT ask(format('report_settings(%s, %L)', id(node),
        (SELECT jsonb_agg(jsonb_build_object('name', split_part(s, '=', 1), 'value', split_part(s, '=', 2), 'filed', split_part(s, '=', 2)))
           FROM unnest(settings) AS s)));
END
$$;
-- A keeper brings into effect what is its turn.
CREATE FUNCTION transcript.restart(node text) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
    due text;
BEGIN
    SELECT string_agg(format('%s %s -> %s', g.name, g.used, g.wanted), ', ' ORDER BY g.name) INTO due
      FROM pgautofailover.group_settings() AS g WHERE g.node_name = node AND g.wanted <> g.used;
    IF due IS NULL THEN
        RETURN NEXT node || ' has nothing to do';
        RETURN;
    END IF;
    RETURN NEXT format('%s restarts: %s', node, due);
    PERFORM report_settings(id(node),
        (SELECT jsonb_agg(jsonb_build_object('name', y.name, 'value', coalesce(g.wanted::text, y.value)))
           FROM pgautofailover.node_setting AS y LEFT JOIN pgautofailover.group_settings() AS g ON g.node_id = y.nodeid AND g.name = y.name
          WHERE y.nodeid = id(node)));
END
$$;
CREATE FUNCTION transcript.all_obey() RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
    node text;
BEGIN
    FOR i IN 1 .. 10 LOOP
        SELECT g.node_name INTO node FROM pgautofailover.group_settings() AS g WHERE g.wanted <> g.used ORDER BY g.node_id LIMIT 1;
        EXIT WHEN NOT FOUND;
        RETURN QUERY SELECT restart(node);
    END LOOP;
END
$$;
CREATE FUNCTION transcript.where_are_we() RETURNS SETOF text LANGUAGE sql AS $$
SELECT format('%s: %s %s, wanted %s of %s%s', node_name, name, used, wanted, target,
              CASE WHEN waits_for IS NOT NULL THEN ', waits for ' || waits_for END)
  FROM pgautofailover.group_settings() $$;
\set ECHO all

SELECT group_of('a', 'b', 'c');
SELECT uses('a', 'max_connections=100', 'max_worker_processes=8');
SELECT uses('b', 'max_connections=100', 'max_worker_processes=8');
SELECT uses('c', 'max_connections=100', 'max_worker_processes=8');

-- Raised: one standby after the other, then the primary.
SELECT ask('set_group_settings(''default'', 0, ''{"max_connections": 200}'')');
SELECT where_are_we();
SELECT restart('a');
SELECT restart('c');
SELECT all_obey();
SELECT where_are_we();
-- The same again changes nothing.
SELECT ask('set_group_settings(''default'', 0, ''{"max_connections": 200}'')');

-- Lowered: the primary first.
SELECT ask('set_group_settings(''default'', 0, ''{"max_connections": "default"}'')');
SELECT where_are_we();
SELECT all_obey();

-- One raised and one lowered: the primary restarts once, each standby twice.
SELECT ask('set_group_settings(''default'', 0, ''{"max_connections": 50, "max_worker_processes": 16}'')');
SELECT all_obey();

-- Interrupted by a failover half way: the new primary has what it had as a standby, and all arrive.
SELECT ask('set_group_settings(''default'', 0, ''{"max_connections": 40, "max_worker_processes": 32}'')');
SELECT restart('b');
SELECT restart('c');
SELECT restart('a');
SELECT ask('perform_failover()');
SELECT report('a', 'draining', '0/4000');
SELECT report('b', 'secondary', '0/5000');
SELECT obey();
SELECT where_are_we();
SELECT all_obey();
SELECT where_are_we();

-- A standby that is lost does not hold up the others; it converges when it comes back, also before the primary is lowered again.
SELECT silent('c');
SELECT ask('set_group_settings(''default'', 0, ''{"max_connections": 60}'')');
SELECT restart('a');
SELECT restart('b');
SELECT node_name, name, used, wanted, counts FROM group_settings() WHERE node_name = 'c';
SELECT restart('c');
SELECT reachable('c');
SELECT obey();

-- A node that joins later is told the same; until its keeper has said what it uses, a raise waits for it.
SELECT register('d');
SELECT obey();
SELECT name, target, wanted FROM group_settings() WHERE node_name = 'd' ORDER BY name;
SELECT ask('set_group_settings(''default'', 0, ''{"max_connections": 70}'')');
SELECT restart('a');
SELECT all_obey();
SELECT DISTINCT waits_for FROM group_settings() WHERE waits_for IS NOT NULL;
SELECT uses('d', 'max_connections=70', 'max_worker_processes=32');
SELECT all_obey();

-- The operator's own line in a file wins: refused beforehand; what is found out later is told, and holds up the primary.
SELECT ask('report_settings(id(''a''), ''[{"name": "max_connections", "value": "70", "filed": "70", "source": "/data/postgresql.conf line 65"},
    {"name": "max_worker_processes", "value": "32"}, {"name": "shared_buffers", "value": "16384", "pending": true}]'')');
SELECT fails('SELECT pgautofailover.set_group_settings(''default'', 0, ''{"max_connections": 80}'')');
SELECT why();
SELECT ask('set_group_settings(''default'', 0, ''{"max_connections": 70, "max_worker_processes": 33}'')');
SELECT ask('report_settings(id(''a''), ''[{"name": "max_connections", "value": "70"}, {"name": "max_worker_processes", "value": "32", "problem": "it is 3 a.m."}]'')');
SELECT why();
SELECT all_obey();
SELECT description FROM event WHERE rule IN ('set_group_settings', 'report_settings') ORDER BY eventid DESC LIMIT 5;

-- Bad input changes nothing.
SELECT fails('SELECT pgautofailover.set_group_settings(''default'', 0, ''{"max_connexions": 80}'')');
SELECT fails('SELECT pgautofailover.set_group_settings(''default'', 0, ''{"max_connections": "many"}'')');
SELECT fails('SELECT pgautofailover.set_group_settings(''default'', 0, ''{"max_connections": 3}'')');
SELECT fails('SELECT pgautofailover.set_group_settings(''default'', 0, ''{"max_worker_processes": 9999999999}'')');
SELECT fails('SELECT pgautofailover.set_group_settings(''default'', 0, ''{"max_connections": 80, "max_wal_senders": 5}'')');
SELECT fails('SELECT pgautofailover.set_group_settings(''default'', 7, ''{"max_connections": 80}'')');
SELECT fails('SELECT pgautofailover.set_group_settings(''nowhere'', 0, ''{"max_connections": 80}'')');
SELECT fails('SELECT pgautofailover.report_settings(99, ''[]'')');
SELECT works('SELECT * FROM pgautofailover.group_setting_limits()');
SELECT works('SELECT count(*) FROM pgautofailover.group_settings(''default'', 0)');
SELECT works('SELECT pgautofailover.set_group_settings(''default'', 0, ''{}'')');
SELECT works('SELECT pgautofailover.report_settings(id(''a''), ''[]'')');
