-- A keeper that is a step ahead of what the monitor knows of it, or that fenced itself, gets a goal that it can reach.
\set ECHO none
\i sql/include/transcript.sql
\set ECHO all

SELECT group_of('a', 'b');

-- The standby is lost while the primary applies settings.
SELECT ask($$set_node_candidate_priority('default', 'b', 50)$$);
SELECT report('a', 'apply_settings');
SELECT silent('b');
SELECT obey('a');
SELECT report('b', 'catchingup');

-- The primary is about to wait for its standby again, and its Postgres is gone: its keeper will confirm that it stops.
SELECT report('b', 'secondary', '0/3000');
SELECT report('a', 'wait_primary', running => false);
SELECT report('b', 'report_lsn');
SELECT why();
SELECT report('a', 'demoted', '0/0');
SELECT time_passes('61 min');
SELECT obey();
SELECT state();

-- The primary fences itself while it applies settings: it resumes.
SELECT ask($$set_node_candidate_priority('default', 'b', 100)$$);
SELECT report('b', 'demote_timeout', '0/4000');
SELECT obey();
SELECT state();

-- It fences itself, and is lost before it has resumed.
SELECT report('b', 'demote_timeout', '0/0');
SELECT silent('b');
SELECT obey('a');
SELECT report('b', 'demote_timeout', '0/0');
SELECT obey();
SELECT state();
SELECT ask('perform_failover()');
SELECT report('a', 'draining', '0/4800');
SELECT report('b', 'secondary', '0/4878');
SELECT obey();

-- It fences itself while it drains: that is as good as drained.
SELECT ask('perform_failover()');
SELECT report('b', 'demote_timeout', '0/5000');
SELECT report('a', 'secondary', '0/5078');
SELECT obey();
SELECT state();

-- A third node, outside the quorum. The only synchronous standby is lost, so the primary is to wait for nobody; it is lost before
-- it says that it does, when both standbys are there.
SELECT register('c', quorum => false);
SELECT obey();
SELECT silent('b');
SELECT report('b', 'catchingup');
SELECT silent('a');

-- It had got to wait_primary, from where it cannot drain; and in that state it has no lease.
SELECT report('a', 'wait_primary', '0/6000');
SELECT report('b', 'report_lsn', '0/5800');
SELECT report('c', 'report_lsn', '0/6078');
SELECT why();
SELECT report('a', 'demoted', '0/6000');
SELECT time_passes('3 h');
SELECT obey();
SELECT state();
