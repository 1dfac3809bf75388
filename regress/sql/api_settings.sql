-- Settings: defaults, units, and values that do not parse.
\set ECHO none
\i sql/include/transcript.sql
\set ECHO all

RESET ALL;
SET intervalstyle TO postgres;
SET search_path TO transcript, pgautofailover, public;
SELECT works('SELECT name, value, unit FROM pgautofailover.settings()');
SELECT count(*) FROM settings() WHERE reason = '' OR value IS DISTINCT FROM default_value;

SELECT works($$SELECT pgautofailover.setting('guard_data_loss')$$);
SELECT fails($$SELECT pgautofailover.setting('guard_dataloss')$$);

-- Units.
SET pgautofailover.primary_demote_timeout TO '45s';
SELECT setting('primary_demote_timeout');
SET pgautofailover.primary_demote_timeout TO '1500';
SELECT setting('primary_demote_timeout');
SET pgautofailover.primary_demote_timeout TO '2 min';
SELECT setting('primary_demote_timeout'), setting_interval('primary_demote_timeout');
SET pgautofailover.primary_demote_timeout TO '250us';
SELECT setting('primary_demote_timeout');
SET pgautofailover.promote_wal_log_threshold TO '64MB';
SELECT setting('promote_wal_log_threshold');
SET pgautofailover.health_check_max_retries TO '3';
SELECT setting('health_check_max_retries');
SET pgautofailover.guard_data_loss TO 'No';
SELECT setting('guard_data_loss');

-- A value that does not parse counts as not set: a typing error must not stop the heartbeats of a whole monitor.
SET pgautofailover.primary_demote_timeout TO 'soon';
SELECT setting('primary_demote_timeout');
SET pgautofailover.primary_demote_timeout TO '';
SELECT setting('primary_demote_timeout');
SET pgautofailover.promote_wal_log_threshold TO '-1';
SELECT setting('promote_wal_log_threshold');
SET pgautofailover.guard_data_loss TO 'perhaps';
SELECT setting('guard_data_loss');
SET pgautofailover.health_check_max_retries TO '99999999999999999999';
SELECT setting('health_check_max_retries');

-- They are read at every decision.
SELECT load_thresholds() IS NOT NULL;
SELECT current_setting('pgautofailover.primary_demote_timeout') = '' AND (load_thresholds()).demote = interval '30 s';

-- Kept with the database.
SELECT current_database() AS db \gset
ALTER DATABASE :"db" SET pgautofailover.drain_timeout TO '7s';
\c -
\set ECHO none
SET search_path TO transcript, pgautofailover, public;
\set ECHO all
SELECT setting('drain_timeout');
ALTER DATABASE :"db" RESET pgautofailover.drain_timeout;
