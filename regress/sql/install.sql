-- The objects of the extension: tables, columns, types and constraints, as the specification lists them.
\set ECHO none
\i sql/include/transcript.sql
\set ECHO all

SELECT extversion FROM pg_extension WHERE extname = 'pgautofailover';
SELECT pgautofailover.extension_version();
SELECT e.enumlabel FROM pg_enum AS e WHERE e.enumtypid = 'pgautofailover.replication_state'::regtype ORDER BY e.enumsortorder;
SELECT e.enumlabel FROM pg_enum AS e WHERE e.enumtypid = 'pgautofailover.fsm_section'::regtype ORDER BY e.enumsortorder;
SELECT c.relname, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull, pg_get_expr(d.adbin, d.adrelid)
  FROM pg_class AS c JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
  LEFT JOIN pg_attrdef AS d ON d.adrelid = c.oid AND d.adnum = a.attnum
 WHERE c.relnamespace = 'pgautofailover'::regnamespace AND c.relkind IN ('r', 'v') ORDER BY c.relname, a.attnum;
SELECT conrelid::regclass, conname, pg_get_constraintdef(oid) FROM pg_constraint
 WHERE connamespace = 'pgautofailover'::regnamespace AND contype <> 'n' AND conrelid <> 0 ORDER BY conrelid::regclass::text, conname;
SELECT tgrelid::regclass, tgname FROM pg_trigger WHERE NOT tgisinternal
   AND tgrelid IN (SELECT oid FROM pg_class WHERE relnamespace = 'pgautofailover'::regnamespace) ORDER BY 1, 2;
SELECT * FROM formation;

-- Every object belongs to the extension: nothing is left when it goes.
SET client_min_messages TO warning;
DROP EXTENSION pgautofailover CASCADE;
SELECT count(*) FROM pg_namespace WHERE nspname = 'pgautofailover';

-- The same script without extension files, in one transaction.
SELECT setting || '/extension/pgautofailover--3.0.sql' AS script FROM pg_config WHERE name = 'SHAREDIR' \gset
\set ECHO none
SELECT pg_read_file(:'script') AS script \gset
\o /dev/null
BEGIN;
:script
COMMIT;
\o
\set ECHO all
SELECT pgautofailover.extension_version(), (SELECT count(*) FROM pg_extension WHERE extname = 'pgautofailover');
SELECT count(*) > 0 FROM pg_proc WHERE pronamespace = 'pgautofailover'::regnamespace AND has_function_privilege('autoctl_node', oid, 'EXECUTE');
DROP SCHEMA pgautofailover CASCADE;

-- Sessions of autoctl_node see the view for keepers of 2.0; an operator's own search_path of the role is kept.
SELECT current_database() AS monitor \gset
ALTER ROLE autoctl_node IN DATABASE :"monitor" RESET search_path;
CREATE EXTENSION pgautofailover;
SELECT unnest(setconfig) FROM pg_db_role_setting
 WHERE setrole = 'autoctl_node'::regrole AND setdatabase = (SELECT oid FROM pg_database WHERE datname = current_database());
DROP EXTENSION pgautofailover CASCADE;
ALTER ROLE autoctl_node IN DATABASE :"monitor" SET search_path TO mine, public;
CREATE EXTENSION pgautofailover;
SELECT unnest(setconfig) FROM pg_db_role_setting
 WHERE setrole = 'autoctl_node'::regrole AND setdatabase = (SELECT oid FROM pg_database WHERE datname = current_database());
DROP EXTENSION pgautofailover CASCADE;
ALTER ROLE autoctl_node IN DATABASE :"monitor" RESET search_path;
