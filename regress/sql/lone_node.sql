-- One node alone: nobody to fail over to, and nothing that could stop it.
\set ECHO none
\i sql/include/transcript.sql
\set ECHO all

SELECT register('a');
SELECT report('a', 'single', '0/1000');
SELECT why();
SELECT synchronous_standby_names();

-- Its Postgres is down, its keeper silent, its lease over: it stays what it is.
SELECT report('a', 'single', running => false);
SELECT silent('a');
SELECT time_passes('1 day');
SELECT report('a', 'single', '0/2000');

-- It has fenced itself: it resumes.
SELECT report('a', 'demote_timeout', '0/0');
SELECT report('a', 'single');

-- A lone node of priority 0 stays single as well: it has the data.
SELECT ask($$set_node_candidate_priority('default', 'a', 0)$$);
SELECT report('a', 'single');
SELECT state();
SELECT ask($$set_node_candidate_priority('default', 'a', 100)$$);

-- Maintenance of a lone node is refused (D3).
SELECT fails('SELECT pgautofailover.start_maintenance(1)');

-- D16: a node that is alone in maintenance, as all others were removed, leaves it.
SELECT register('b');
SELECT obey();
SELECT ask('start_maintenance(id(''b''))');
SELECT obey();
SELECT ask('remove_node(id(''a''), true)');
SELECT state();
SELECT why();
SELECT ask('stop_maintenance(id(''b''))');
SELECT report('b', 'report_lsn');

-- Nobody has seen a stop: its lease must be over (one hour here).
SELECT why();
SELECT time_passes('61 min');
SELECT obey();
SELECT state();

-- The same for a former primary that was in maintenance.
SELECT register('c');
SELECT obey();
SELECT ask('start_maintenance(id(''b''))');
SELECT report('b', 'prepare_maintenance', '0/5000');
SELECT report('c', 'secondary', '0/5078');
SELECT obey();
SELECT ask('remove_node(id(''c''), true)');
SELECT ask('stop_maintenance(id(''b''))');
SELECT obey();
SELECT time_passes('61 min');
SELECT obey();
SELECT state();

-- And for a primary whose standby is removed while it hands over: it cannot hand over any more, and resumes.
SELECT register('d');
SELECT obey();
SELECT ask('start_maintenance(id(''b''))');
SELECT ask('remove_node(id(''d''), true)');
SELECT report('b', 'prepare_maintenance', '0/6000');
SELECT obey();
SELECT state();

-- The same, when it has stopped already: its operator brings it back.
SELECT register('e');
SELECT obey();
SELECT ask('start_maintenance(id(''b''))');
SELECT report('b', 'prepare_maintenance', '0/7000');
SELECT ask('remove_node(id(''e''), true)');
SELECT why();
SELECT ask('stop_maintenance(id(''b''))');
SELECT obey();
SELECT state();
