-- Keepers of pg_auto_failover 2.0 work under this monitor, but ask for the version of the extension before each report, by an
-- unqualified name, and stop when the answer is not 2.0. In sessions of autoctl_node that name finds this view first;
-- extension_version(), pg_extension and pg_catalog.pg_available_extensions tell the truth.

CREATE VIEW pgautofailover.pg_available_extensions AS
SELECT 'pgautofailover'::name AS name, '2.0'::text AS default_version, '2.0'::text AS installed_version,
       'for keepers of pg_auto_failover 2.0; the real version is that of extension_version()'::text AS comment;

GRANT SELECT ON pgautofailover.pg_available_extensions TO autoctl_node, autoctl_viewer;

-- An operator's own search_path for the role, in this database or in all, stays: then keepers of 2.0 are refused. An installation
-- that may not change the role goes on without them.
DO $$
DECLARE
    command text := format('ALTER ROLE autoctl_node IN DATABASE %I SET search_path TO pgautofailover, pg_catalog, "$user", public',
                           current_database());
BEGIN
    IF NOT EXISTS (SELECT FROM pg_db_role_setting AS s, unnest(s.setconfig) AS c
                    WHERE s.setrole = 'autoctl_node'::regrole AND c LIKE 'search_path=%'
                      AND s.setdatabase IN (0, (SELECT d.oid FROM pg_database AS d WHERE d.datname = current_database()))) THEN
        EXECUTE command;
    END IF;
EXCEPTION WHEN insufficient_privilege THEN
    RAISE NOTICE 'keepers of pg_auto_failover 2.0 cannot work with this monitor yet: %', SQLERRM
          USING HINT = 'A superuser can let them: ' || command;
END
$$;
