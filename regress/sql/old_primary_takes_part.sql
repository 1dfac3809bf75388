-- The old primary has stopped and its keeper lives: when the others do not suffice, its own position decides.
-- (election_patience is one hour here: time_passes(3 h) is a few seconds of an operator.)
\set ECHO none
\i sql/include/transcript.sql
\set ECHO all

SELECT group_of('a', 'b', 'c');

-- A planned switchover, in which both standbys are lost: the old primary has stopped in good order.
SELECT ask('perform_failover()');
SELECT report('a', 'draining', '0/6000');
SELECT silent('b', 'c');
SELECT why();

-- Nobody has come back: it starts read-only and tells its position; nobody can have more.
SELECT time_passes('3 h');
SELECT report('a', 'report_lsn', '0/6078');
SELECT time_passes('3 h');
SELECT obey('a');
SELECT state();
SELECT why();
SELECT obey();
SELECT state();

-- The Postgres of the primary cannot be started while c is away: b alone proves nothing, and a is told nothing, for it may come back.
SELECT silent('c');
SELECT obey('a');
SELECT report('a', 'primary', '0/8000');
SELECT silent('b');
SELECT report('a', 'primary', running => false);
SELECT why();

-- c comes back: it has not been waited for, b is not there; what b may have acknowledged is known to a only.
SELECT report('c', 'catchingup');
SELECT report('a', 'primary');
SELECT obey();
SELECT state();

-- An unplanned failover, in which the old primary hears that it has to stop, and the last standby is lost.
SELECT report('a', 'primary', '0/9000', running => false);
SELECT report('b', 'report_lsn', '0/9000');
SELECT silent('c');
SELECT report('a', 'draining', '0/0');
SELECT why();
SELECT report('a', 'report_lsn', '0/9100');
SELECT obey('a', 'b');
SELECT state();

-- On its way to maintenance its Postgres has crashed, and c, which may alone have what it acknowledged, was removed meanwhile:
-- its maintenance is called off, for without its position nobody can be chosen.
SELECT report('c', 'report_lsn', '0/9000');
SELECT obey();
SELECT ask('start_maintenance(id(''a''))');
SELECT ask('remove_node(id(''c''))');
SELECT report('c', 'dropped');
SELECT report('a', 'prepare_maintenance', '0/0', running => false);
SELECT report('b', 'report_lsn', '0/9000');
SELECT time_passes('3 h');
SELECT why();
SELECT report('a', 'report_lsn', '0/9100');
SELECT obey();
SELECT state();
