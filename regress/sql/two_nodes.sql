-- Two nodes, from registration to a primary that waits for its standby.
\set ECHO none
\i sql/include/transcript.sql
\set ECHO all

-- The first node of a group holds its data.
SELECT register('a');
SELECT report('a', 'init', '0/1000');
SELECT report('a', 'single', '0/1000');

-- The second one waits until the first is ready for it.
SELECT register('b');
SELECT report('b', 'wait_standby');
SELECT report('a', 'wait_primary', '0/2000');

-- It copies the data, and catches up.
SELECT report('b', 'catchingup', '0/0', running => false);
SELECT report('b', 'catchingup', '0/2000');

-- The primary waits for it from now on: commits are on both.
SELECT synchronous_standby_names();
SELECT report('b', 'secondary', '0/2000');
SELECT synchronous_standby_names();
SELECT report('a', 'primary', '0/3000');
SELECT state();
SELECT why();

-- From here on nothing changes, and reports leave no trace but the position.
SELECT report('a', 'primary', '0/4000');
SELECT report('b', 'secondary', '0/4000');
SELECT nodename, reportedlsn FROM node ORDER BY nodeid;
SELECT tick();
