-- Claim NoWaitWhenProven: when enough standbys have stopped receiving, nothing acknowledged can be missing and the old primary
-- can acknowledge nothing more; the promotion waits for no timeout.
\set ECHO none
\i sql/include/transcript.sql
\set ECHO all

SELECT group_of('a', 'b');
SELECT report('a', 'primary', '0/5000');

-- a is lost. Its standby is told to stop receiving; a is told to stop, should it hear it.
SELECT silent('a');
SELECT why();

-- The report is the proof: the one member of ANY 1 (b) receives nothing more. No time has passed.
SELECT report('b', 'report_lsn', '0/4000');

-- How far a had written does not matter: nothing that b has not received was acknowledged.
SELECT report('b', 'prepare_promotion');
SELECT report('b', 'wait_primary', '0/40F0', tli => 2);
SELECT state();
SELECT why();

-- Without the proof it would wait: an asynchronous group does, see lease_fence.
