-- What the monitor service and the keepers of pgaf call.
\set ECHO none
\i sql/include/transcript.sql
\set ECHO all

SELECT group_of('a', 'b');
SELECT works($$SELECT pgautofailover.extension_version()$$);

-- Health reports.
SELECT works($$SELECT pgautofailover.report_health('{1,2}', '{1,1}', '{ok,ok}', '{"",""}')$$);
SELECT nodename, health, healthsign FROM node ORDER BY nodeid;
SELECT works($$SELECT pgautofailover.report_health('{2}', '{-1}', '{timeout}', '{""}')$$);
SELECT nodename, health, healthsign FROM node ORDER BY nodeid;
SELECT works($$SELECT pgautofailover.report_health('{2}', '{1}', '{denied}', '{"no pg_hba.conf entry"}')$$);
SELECT nodename, health, healthsign, healthmessage FROM node ORDER BY nodeid;
SELECT why();
SELECT works($$SELECT pgautofailover.report_health('{2}', '{0}', '{refused}', '{""}')$$);
SELECT works($$SELECT pgautofailover.report_health('{2}', '{0}', '{late}', '{""}')$$);
SELECT state();
SELECT works($$SELECT pgautofailover.report_health('{2,99}', '{1,0}', '{ok,refused}', '{"",""}')$$);
SELECT works($$SELECT pgautofailover.report_health('{}', '{}', '{}', '{}')$$);
SELECT fails($$SELECT pgautofailover.report_health('{1,2}', '{1}', '{ok}', '{""}')$$);
SELECT fails($$SELECT pgautofailover.report_health('{1}', '{2}', '{ok}', '{""}')$$);
SELECT fails($$SELECT pgautofailover.report_health('{1}', '{1}', '{fine}', '{""}')$$);
SELECT fails($$SELECT pgautofailover.report_health('{1}', '{NULL}', '{ok}', '{""}')$$);
SELECT nodename, description FROM event WHERE rule = 'health_check' ORDER BY eventid;

-- Sessions: this backend serves node 1.
SELECT works($$SELECT pgautofailover.open_session(1)$$);
SELECT sessionpid = pg_backend_pid(), sessionlost IS NULL FROM node WHERE nodeid = 1;
SELECT fails($$SELECT pgautofailover.open_session(99)$$);
SELECT works($$SELECT pgautofailover.tick()$$);
SELECT works($$SELECT pgautofailover.tick_pause() BETWEEN interval '10 ms' AND interval '1 s'$$);
SELECT sessionlost IS NULL FROM node WHERE nodeid = 1;

-- Reports are ordered within one session: one of an older session is refused.
UPDATE node SET sessionpid = 0 WHERE nodeid = 2;
SELECT regexp_replace(fails($$SELECT pgautofailover.node_active('default', 2, 0, 'secondary', true, 1, '0/3000')$$), 'this is backend \d+', 'this is backend <pid>');

-- A keeper of pg_auto_failover 2.x has no session: it may report once that of pgaf's keeper is closed.
SELECT works($$SELECT pgautofailover.close_session(2)$$);
SELECT fails($$SELECT pgautofailover.close_session(99)$$);
SELECT works($$SELECT pgautofailover.node_active('default', 2, 0, 'secondary', true, 1, '0/3000')$$);

-- A backend that is gone, and a refused connection: node 2 is gone, without waiting for its report.
UPDATE node SET sessionpid = 0 WHERE nodeid = 2;
SELECT works($$SELECT pgautofailover.report_health('{2}', '{0}', '{refused}', '{""}')$$);
SELECT state();
SELECT report('b', 'secondary');
SELECT obey();

-- The upstream of a standby.
SELECT works($$SELECT pgautofailover.report_upstream(2, false)$$);
SELECT upstreamlost IS NOT NULL FROM node WHERE nodeid = 2;
SELECT works($$SELECT pgautofailover.report_upstream(2, true)$$);
SELECT upstreamlost IS NOT NULL FROM node WHERE nodeid = 2;
SELECT fails($$SELECT pgautofailover.report_upstream(99, true)$$);

-- For tests: locks, and the look of old age.
SELECT works($$SELECT pgautofailover.testing_lock_formation('default')$$);
SELECT works($$SELECT pgautofailover.testing_lock_node_group('default', 0)$$);
SELECT works($$SELECT pgautofailover.testing_set_node_health(1, 0)$$);
SELECT health, healthchecktime > now() - interval '1 min' FROM node WHERE nodeid = 1;
SELECT works($$SELECT pgautofailover.testing_set_node_health(1, 1, '1 h', '2 h', '3 h')$$);
SELECT health, now() - reporttime > '1 h', now() - statechangetime > '2 h', now() - healthchecktime > '3 h' FROM node WHERE nodeid = 1;
SELECT works($$SELECT pgautofailover.testing_set_node_health(1)$$);
SELECT fails($$SELECT pgautofailover.testing_set_node_health(99)$$);
