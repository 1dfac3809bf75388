-- Maintenance of the primary: it hands over first, as in a planned switchover.
\set ECHO none
\i sql/include/transcript.sql
\set ECHO all

SELECT group_of('a', 'b');
SELECT ask('start_maintenance(id(''a''))');
SELECT why();
SELECT report('a', 'prepare_maintenance', '0/4000');
SELECT report('b', 'secondary', '0/4000');
SELECT report('b', 'secondary', '0/4078');
SELECT report('a', 'maintenance');
SELECT report('b', 'prepare_promotion');
SELECT report('b', 'wait_primary', '0/40F0', tli => 2);
SELECT state();
SELECT why();

-- Back as a standby.
SELECT ask('stop_maintenance(id(''a''))');
SELECT obey();
SELECT state();

-- Three nodes.
SELECT register('c');
SELECT obey();
SELECT ask('start_maintenance(id(''b''))');
SELECT report('b', 'prepare_maintenance', '0/6000');
SELECT report('c', 'secondary', '0/6078');
SELECT obey();
SELECT state();
SELECT ask('stop_maintenance(id(''b''))');
SELECT obey();
SELECT state();

-- It dies on the way: the election needs no answer from it.
SELECT ask('start_maintenance(id(''c''))');
SELECT silent('c');
SELECT report('a', 'report_lsn', '0/7000');
SELECT report('b', 'report_lsn', '0/7000');
SELECT obey('a', 'b');
SELECT state();
SELECT report('c', 'prepare_maintenance', '0/0');
SELECT obey();
SELECT state();
SELECT ask('stop_maintenance(id(''c''))');
SELECT obey();
SELECT state();

-- No standby can take over: refused.
SELECT ask($$set_node_candidate_priority('default', 'b', 0)$$);
SELECT obey();
SELECT ask($$set_node_candidate_priority('default', 'c', 0)$$);
SELECT obey();
SELECT fails('SELECT pgautofailover.start_maintenance(id(''a''))');
