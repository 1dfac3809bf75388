-- D5: the distance to the primary counts in both directions, and timelines are compared.
\set ECHO none
\i sql/include/transcript.sql
\set ECHO all

SELECT register('a');
SELECT report('a', 'single', '0/10000000');
SELECT register('b');
SELECT report('b', 'wait_standby');
SELECT report('a', 'wait_primary');

-- Far ahead of the primary is as wrong as far behind.
SELECT report('b', 'catchingup', '5/0');
SELECT report('b', 'catchingup', '0/E000000');
SELECT report('b', 'catchingup', '0/10000000', tli => 2);
SELECT report('b', 'catchingup', '0/0');

-- Within one segment.
SELECT report('b', 'catchingup', '0/F100000', tli => 1);
SELECT obey();
SELECT state();
