-- Maintenance of a standby.
\set ECHO none
\i sql/include/transcript.sql
\set ECHO all

SELECT group_of('a', 'b');

-- The only one: the primary stops waiting for it first, then it may go.
SELECT ask('start_maintenance(id(''b''))');
SELECT report('b', 'wait_maintenance');
SELECT report('a', 'wait_primary', '0/4000');
SELECT report('b', 'maintenance');
SELECT why();

-- Nobody cares how it is, and it cannot take over.
SELECT silent('b');
SELECT fails('SELECT pgautofailover.perform_failover()');
SELECT silent('a');
SELECT report('a', 'wait_primary', '0/4000');

-- Asking again changes nothing.
SELECT ask('start_maintenance(id(''b''))');
SELECT ask('stop_maintenance(id(''b''))');
SELECT obey();
SELECT state();
SELECT fails('SELECT pgautofailover.stop_maintenance(id(''b''))');

-- One of two: commits wait for the other one, when number_sync_standbys is 1; with a warning, as the loss of it stops writes.
SELECT register('c');
SELECT obey();
SELECT ask('start_maintenance(id(''b''))');
SELECT obey();
SELECT state();
SELECT synchronous_standby_names();
SELECT ask('start_maintenance(id(''c''))');
SELECT why();
SELECT obey();
SELECT ask('stop_maintenance(id(''c''))');
SELECT obey();
SELECT state();

-- The primary is lost meanwhile. a has confirmed that it waits for c alone, so b is not needed for the proof.
SELECT silent('a');
SELECT report('c', 'report_lsn', '0/5000');
SELECT obey('c');
SELECT report('a', 'primary');
SELECT obey();
SELECT state();

-- It leaves maintenance while there is no primary: it takes part in the election.
SELECT silent('c');
SELECT ask('stop_maintenance(id(''b''))');
SELECT report('b', 'report_lsn', '0/5000');
SELECT report('a', 'report_lsn', '0/6000');
SELECT obey('a', 'b');
SELECT state();
