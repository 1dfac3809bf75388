-- Functions that read.
\set ECHO none
\i sql/include/transcript.sql
\set ECHO all

SELECT works($$SELECT * FROM pgautofailover.get_nodes()$$);
SELECT group_of('a', 'b', 'c');

SELECT works($$SELECT * FROM pgautofailover.get_nodes()$$);
SELECT works($$SELECT * FROM pgautofailover.get_nodes('default', 0)$$);
SELECT works($$SELECT * FROM pgautofailover.get_nodes('default', 1)$$);
SELECT works($$SELECT * FROM pgautofailover.get_nodes('nowhere')$$);
-- D2: NULL is refused.
SELECT fails($$SELECT pgautofailover.get_nodes(NULL)$$);

SELECT works($$SELECT * FROM pgautofailover.get_primary()$$);
SELECT works($$SELECT * FROM pgautofailover.get_primary('default', 0)$$);
SELECT fails($$SELECT pgautofailover.get_primary('default', 1)$$);
SELECT fails($$SELECT pgautofailover.get_primary('nowhere')$$);

SELECT works($$SELECT * FROM pgautofailover.get_other_nodes(1)$$);
SELECT works($$SELECT * FROM pgautofailover.get_other_nodes(1, 'secondary')$$);
SELECT works($$SELECT * FROM pgautofailover.get_other_nodes(2, 'primary')$$);
SELECT fails($$SELECT pgautofailover.get_other_nodes(99)$$);
SELECT fails($$SELECT pgautofailover.get_other_nodes(99, 'primary')$$);

SELECT works($$SELECT * FROM pgautofailover.get_coordinator()$$);
SELECT works($$SELECT * FROM pgautofailover.get_coordinator('nowhere')$$);

SELECT works($$SELECT * FROM pgautofailover.current_state()$$);
SELECT works($$SELECT * FROM pgautofailover.current_state('default', 0)$$);
SELECT works($$SELECT * FROM pgautofailover.current_state('default', 1)$$);

SELECT works($$SELECT pgautofailover.synchronous_standby_names()$$);
SELECT works($$SELECT pgautofailover.synchronous_standby_names('default', 0)$$);
SELECT fails($$SELECT pgautofailover.synchronous_standby_names('default', 1)$$);
SELECT fails($$SELECT pgautofailover.synchronous_standby_names('nowhere')$$);

SELECT works($$SELECT * FROM pgautofailover.formation_settings()$$);
SELECT works($$SELECT * FROM pgautofailover.formation_settings('nowhere')$$);

SELECT works($$SELECT pgautofailover.formation_uri()$$);
SELECT works($$SELECT pgautofailover.formation_uri('default', 'default', 'verify-full', '/ca.crt', '/ca.crl')$$);
SELECT works($$SELECT pgautofailover.formation_uri('default', 'reporting')$$);
SELECT works($$SELECT pgautofailover.formation_uri('nowhere')$$);

-- D12: without arguments it is not ambiguous.
SELECT works($$SELECT nodename, goalstate FROM pgautofailover.last_events() OFFSET 8$$);
SELECT works($$SELECT nodename, goalstate FROM pgautofailover.last_events(2)$$);
SELECT works($$SELECT nodename, goalstate FROM pgautofailover.last_events('default', count => 2)$$);
SELECT works($$SELECT nodename, goalstate FROM pgautofailover.last_events('default', 0, 2)$$);
SELECT works($$SELECT nodename, goalstate FROM pgautofailover.last_events(formation_id => 'default', group_id => 0) OFFSET 8$$);
SELECT works($$SELECT nodename, goalstate FROM pgautofailover.last_events('nowhere')$$);
SELECT works($$SELECT nodename, goalstate FROM pgautofailover.events_since((SELECT max(eventid) - 2 FROM event))$$);
SELECT works($$SELECT nodename, goalstate FROM pgautofailover.events_since((SELECT max(eventid) - 2 FROM event), 'default')$$);
SELECT works($$SELECT nodename, goalstate FROM pgautofailover.events_since(0, 'nowhere')$$);
SELECT works($$SELECT count(*) = (SELECT count(*) FROM event) FROM pgautofailover.events_between('-infinity')$$);
SELECT works($$SELECT count(*) FROM pgautofailover.events_between('-infinity', now() - interval '1 day', 'default')$$);

-- D1: during a failover of two nodes the names are what the old primary was told last.
SELECT ask('remove_node(id(''c''), true)');
SELECT obey();
SELECT silent('a');
SELECT works($$SELECT pgautofailover.synchronous_standby_names()$$);
SELECT works($$SELECT * FROM pgautofailover.formation_settings()$$);
SELECT works($$SELECT * FROM pgautofailover.get_primary()$$);
SELECT works($$SELECT * FROM pgautofailover.get_most_advanced_standby()$$);
SELECT report('b', 'report_lsn', '0/5000');

-- Nodes that are being removed are listed by get_nodes and current_state only.
SELECT obey();
SELECT register('c');
SELECT obey();
SELECT ask('remove_node(id(''c''))');
SELECT node_name FROM get_nodes() ORDER BY 1;
SELECT nodename FROM current_state() ORDER BY 1;
SELECT node_name FROM get_other_nodes(2);
SELECT formation_uri();

-- D19: the most advanced standby is one of those that report their LSN; the further timeline counts first.
SELECT register('d');
SELECT obey();
SELECT silent('b');
SELECT report('a', 'report_lsn', '0/6000', tli => 2);
SELECT report('d', 'report_lsn', '0/7000', tli => 1);
SELECT works($$SELECT * FROM pgautofailover.get_most_advanced_standby()$$);
SELECT works($$SELECT * FROM pgautofailover.get_most_advanced_standby('default', 0, 1)$$);
SELECT works($$SELECT * FROM pgautofailover.get_most_advanced_standby('nowhere')$$);
