-- Settings: one table of defaults, read with setting(). They may be set with ALTER SYSTEM, ALTER DATABASE … SET,
-- ALTER ROLE … SET and SET; the empty string means the default. A value that does not parse counts as not set:
-- a typing error must not stop the heartbeats of a whole monitor. settings() shows it as such.

CREATE FUNCTION pgautofailover.setting_defaults(
    OUT name text, OUT default_value text, OUT unit text, OUT reason text
) RETURNS SETOF record
LANGUAGE sql IMMUTABLE
AS $$
VALUES
 ('enable_version_checks', 'on', 'bool',
  'keepers refuse to work with a monitor of another version'),
 ('enable_health_checks', 'on', 'bool',
  'off: the monitor service checks no node, health stays as it is'),
 ('health_check_period', '1000', 'ms',
  'each node is asked once per period; one second keeps detection under three'),
 ('health_check_timeout', '1000', 'ms',
  'deadline of one check: connect, or one query on the kept connection'),
 ('health_check_max_retries', '1', 'count',
  'a node is bad after this many further failures in a row: two failures are one more than a lost packet'),
 ('health_check_retry_delay', '1000', 'ms',
  'pause between a failed check and the next; a refused connection is confirmed at once'),
 ('enable_sync_wal_log_threshold', '16777216', 'bytes',
  'a standby this close to the primary becomes secondary: one WAL segment'),
 ('promote_wal_log_threshold', '16777216', 'bytes',
  'an asynchronous standby further behind than this is not promoted while guard_data_loss is on'),
 ('primary_demote_timeout', '30000', 'ms',
  'where nothing proves that the old primary stopped: its lease (keeper: network_partition_timeout, 20 s) and a margin'),
 ('drain_timeout', '15000', 'ms',
  'a planned switchover that has not stopped the old primary by then is called off and the old primary resumes'),
 ('election_patience', '1000', 'ms',
  'how long an election that could be decided waits for a healthy node of higher priority to report'),
 ('node_considered_unhealthy_timeout', '2500', 'ms',
  'a node that has not reported for longer is silent: two heartbeats lost and half a second'),
 ('unchecked_node_timeout', '30000', 'ms',
  'without a running monitor service, silence alone counts after this long'),
 ('startup_grace_period', '10000', 'ms',
  'after a start of the monitor nobody is called unhealthy for being silent: they need time to reconnect'),
 ('replication_stall_timeout', '10000', 'ms',
  'a primary that no standby streams from for longer goes to wait_primary, so that commits do not hang'),
 ('guard_data_loss', 'on', 'bool',
  'off (for one transaction): an election goes on although acknowledged commits may be lost'),
 ('event_retention_age', '2592000000', 'ms',
  'events older than this are removed: 30 days'),
 ('event_retention_count', '1000000', 'count',
  'at most this many events are kept'),
 ('reason', '', 'text',
  'why an operator calls a function; kept with the events of the transaction')
$$;

-- Milliseconds from '250', '250ms', '5s', '2min', '1h', '30d'; NULL when the text is none of these.
CREATE FUNCTION pgautofailover.parse_ms(value text) RETURNS numeric
LANGUAGE plpgsql IMMUTABLE
AS $$
DECLARE
    m text[] := regexp_match(lower(btrim(value)), '^([0-9]{1,15})\s*(us|ms|s|min|h|d)?$');
BEGIN
    RETURN m[1]::numeric * CASE coalesce(m[2], 'ms')
             WHEN 'us' THEN 0.001 WHEN 'ms' THEN 1 WHEN 's' THEN 1000 WHEN 'min' THEN 60000
             WHEN 'h' THEN 3600000 WHEN 'd' THEN 86400000 END;
END
$$;

-- Bytes from '1024', '64kB', '16MB', '1GB'; NULL when the text is none of these.
CREATE FUNCTION pgautofailover.parse_bytes(value text) RETURNS numeric
LANGUAGE plpgsql IMMUTABLE
AS $$
DECLARE
    m text[] := regexp_match(lower(btrim(value)), '^([0-9]{1,15})\s*(b|kb|mb|gb|tb)?$');
BEGIN
    RETURN m[1]::numeric * CASE coalesce(m[2], 'b')
             WHEN 'b' THEN 1 WHEN 'kb' THEN 1024 WHEN 'mb' THEN 1048576
             WHEN 'gb' THEN 1073741824 WHEN 'tb' THEN 1099511627776 END;
END
$$;

-- The same by name: {"guard_data_loss": {"unit": "bool", "default": "on"}, …}. Immutable and without arguments, so a session
-- computes it once and every look-up after that is cheap: settings are read with every heartbeat.
CREATE FUNCTION pgautofailover.setting_catalog() RETURNS jsonb
LANGUAGE sql IMMUTABLE
AS $$
SELECT jsonb_object_agg(d.name, jsonb_build_object('unit', d.unit, 'default', d.default_value))
  FROM pgautofailover.setting_defaults() AS d
$$;

-- The value in force: ms and bytes as plain numbers, bool as 'on' or 'off'. Unknown name: 42704.
CREATE FUNCTION pgautofailover.setting(name text) RETURNS text
LANGUAGE plpgsql STABLE STRICT
AS $$
DECLARE
    known jsonb := pgautofailover.setting_catalog() -> setting.name;
    given text;
    parsed text;
BEGIN
    IF known IS NULL THEN
        RAISE EXCEPTION 'there is no setting pgautofailover.%', setting.name
              USING ERRCODE = 'undefined_object',
                    HINT = 'SELECT * FROM pgautofailover.settings() lists them.';
    END IF;
    given := current_setting('pgautofailover.' || setting.name, true);
    IF given IS NULL OR given = '' THEN
        RETURN known ->> 'default';
    END IF;
    parsed := CASE known ->> 'unit'
                WHEN 'ms' THEN trim_scale(pgautofailover.parse_ms(given))::text
                WHEN 'bytes' THEN pgautofailover.parse_bytes(given)::text
                WHEN 'count' THEN substring(given FROM '^\s*([0-9]{1,9})\s*$')
                WHEN 'bool' THEN CASE WHEN lower(given) IN ('on', 'true', 'yes', '1') THEN 'on'
                                      WHEN lower(given) IN ('off', 'false', 'no', '0') THEN 'off' END
                ELSE given
              END;
    RETURN coalesce(parsed, known ->> 'default');
END
$$;

-- A setting of unit ms.
CREATE FUNCTION pgautofailover.setting_interval(name text) RETURNS interval
LANGUAGE plpgsql STABLE STRICT
AS $$ BEGIN RETURN pgautofailover.setting(setting_interval.name)::float8 * interval '1 ms'; END $$;

-- All settings with their value in force, for people.
CREATE FUNCTION pgautofailover.settings(
    OUT name text, OUT value text, OUT unit text, OUT default_value text, OUT reason text
) RETURNS SETOF record
LANGUAGE sql STABLE
AS $$
SELECT 'pgautofailover.' || d.name, pgautofailover.setting(d.name), d.unit, d.default_value, d.reason
  FROM pgautofailover.setting_defaults() AS d
$$;

-- What one evaluation of a group needs of the settings, read once.
CREATE TYPE pgautofailover.thresholds AS (
    silent            interval,  -- node_considered_unhealthy_timeout
    unchecked         interval,  -- unchecked_node_timeout
    in_grace          bool,      -- the monitor started less than startup_grace_period ago
    reconnect         interval,  -- how long nodes that were cut off together take to come back: twice silent, at most the grace period
    demote            interval,  -- primary_demote_timeout
    drain             interval,  -- drain_timeout
    patience          interval,  -- election_patience
    stall             interval,  -- replication_stall_timeout
    sync_bytes        numeric,   -- enable_sync_wal_log_threshold
    promote_bytes     numeric,   -- promote_wal_log_threshold
    guard             bool       -- guard_data_loss
);

CREATE FUNCTION pgautofailover.load_thresholds() RETURNS pgautofailover.thresholds
LANGUAGE plpgsql STABLE
AS $$
DECLARE
    t pgautofailover.thresholds;
    uptime interval := clock_timestamp() - pg_postmaster_start_time();
    grace interval := pgautofailover.setting_interval('startup_grace_period');
BEGIN
    t.silent        := pgautofailover.setting_interval('node_considered_unhealthy_timeout');
    t.unchecked     := pgautofailover.setting_interval('unchecked_node_timeout');
    t.in_grace      := uptime < grace;
    t.reconnect     := least(2 * t.silent, grace);
    t.demote        := pgautofailover.setting_interval('primary_demote_timeout');
    t.drain         := pgautofailover.setting_interval('drain_timeout');
    t.patience      := pgautofailover.setting_interval('election_patience');
    t.stall         := pgautofailover.setting_interval('replication_stall_timeout');
    t.sync_bytes    := pgautofailover.setting('enable_sync_wal_log_threshold')::numeric;
    t.promote_bytes := pgautofailover.setting('promote_wal_log_threshold')::numeric;
    t.guard         := pgautofailover.setting('guard_data_loss')::bool;
    RETURN t;
END
$$;
