-- Claim CleanSwitchover: a planned switchover loses nothing. The old primary stops in good order first; its standby takes
-- over when it has received the shutdown checkpoint, and not before; the old primary rejoins without rewind.
\set ECHO none
\i sql/include/transcript.sql
\set ECHO all

SELECT group_of('a', 'b');

SELECT ask('perform_failover()');

-- a still writes; its keeper drains it.
SELECT report('a', 'primary', '0/4000');
SELECT why();

-- a has stopped in good order: its shutdown checkpoint starts at 0/5000. b has not reported that it has it.
SELECT report('a', 'draining', '0/5000');
SELECT why();

-- b has everything up to the start of that record, but perhaps not the record.
SELECT report('b', 'secondary', '0/5000');

-- Now it has the record.
SELECT report('b', 'secondary', '0/5078');
SELECT why();
SELECT report('b', 'prepare_promotion');

-- The old primary stays stopped until its successor is there.
SELECT report('a', 'demoted');
SELECT report('b', 'wait_primary', '0/50F0', tli => 2);
SELECT report('a', 'catchingup', '0/50F0', tli => 2);
SELECT report('a', 'secondary', '0/50F0');
SELECT report('b', 'primary', '0/50F0');
SELECT state();
SELECT synchronous_standby_names();

-- And back.
SELECT ask('perform_failover()');
SELECT report('b', 'draining', '0/6000');
SELECT report('a', 'secondary', '0/6078');
SELECT report('a', 'prepare_promotion');
SELECT report('b', 'demoted');
SELECT report('a', 'wait_primary', '0/60F0', tli => 3);
SELECT obey();
SELECT state();
