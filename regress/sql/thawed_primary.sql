-- Claim ThawedPrimary: a primary that was frozen while its successor took over is told to stop as soon as it is heard of,
-- and rejoins as a standby.
\set ECHO none
\i sql/include/transcript.sql
\set ECHO all

SELECT group_of('a', 'b');
SELECT silent('a');
SELECT obey('b');
SELECT state();

-- a thaws: it was primary when it froze, and its first report says so. It must stop; the answer says so.
SELECT report('a', 'primary', '0/9000');
SELECT assigned_group_state FROM node_active('default', 1, 0, 'primary', true, 1, '0/9000', 'quorum');

-- It has stopped, not in good order or in good order: its WAL beyond the fork is lost on purpose, and was acknowledged to nobody.
SELECT report('a', 'demoted', '0/9000');
SELECT report('a', 'catchingup', '0/0', running => false);
SELECT report('b', 'wait_primary', '0/4200');
SELECT report('a', 'catchingup', '0/4200', tli => 2);
SELECT report('a', 'secondary');
SELECT report('b', 'primary');
SELECT state();

-- A keeper that fenced itself (lease over) reports demote_timeout, whatever it was told.
SELECT silent('b');
SELECT obey('a');
SELECT report('b', 'demote_timeout', '0/0');
SELECT report('b', 'demoted');
SELECT obey();
SELECT state();

-- A keeper that fenced itself, but that nobody has replaced, resumes.
SELECT report('a', 'demote_timeout', '0/0');
SELECT report('a', 'primary');
SELECT state();
