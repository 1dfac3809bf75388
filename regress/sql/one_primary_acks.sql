-- Claim OnePrimaryAcks: at no time can two nodes both acknowledge commits under synchronous replication. The monitor's part: never
-- are two nodes told to be writable; a successor is told so only when the standbys that the old primary waits for have stopped
-- receiving from it; and the successor waits for nobody until a standby follows it.
\set ECHO none
\i sql/include/transcript.sql
\set ECHO all

CREATE FUNCTION transcript.writable() RETURNS text LANGUAGE sql AS $$
SELECT coalesce(string_agg(nodename, ', ' ORDER BY nodeid), 'nobody') || ' is told to accept writes, and waits for '
       || coalesce(nullif(pgautofailover.synchronous_standby_names(), ''), 'no standby')
  FROM pgautofailover.node WHERE pgautofailover.is_writable(goalstate) $$;

SELECT group_of('a', 'b', 'c');
SELECT writable();

-- a is lost. It may be alive and reach b and c: they are told to stop receiving before anything else.
SELECT silent('a');
SELECT writable();

-- b has stopped. a could still get commits acknowledged by c: nobody is promoted.
SELECT report('b', 'report_lsn', '0/4000');
SELECT writable();

-- c has stopped as well: now a can acknowledge nothing.
SELECT report('c', 'report_lsn', '0/4000');
SELECT writable();
SELECT report('b', 'prepare_promotion');
SELECT writable();
SELECT report('b', 'wait_primary', tli => 2);
SELECT writable();
SELECT report('c', 'join_secondary');
SELECT report('c', 'secondary', tli => 2);
SELECT writable();

-- a is back, as the primary that it was: it is not told to accept writes, whatever it says.
SELECT report('a', 'primary', '0/4800');
SELECT report('a', 'apply_settings', '0/4800');
SELECT report('a', 'wait_primary', '0/4800');
SELECT writable();
SELECT report('b', 'primary');
SELECT report('a', 'single', '0/4800');
SELECT writable();

-- A rule that makes a node writable is about the primary itself, or about a group that has none; these are the latter.
SELECT r.pos, r.name, r.goal FROM rule AS r
 WHERE is_writable(r.goal) AND r.condition NOT LIKE '%n.is_primary%' AND r.section <> 'api_triggered' ORDER BY r.pos;
