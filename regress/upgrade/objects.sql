-- Everything that the catalogs know of the extension, without object ids: equal after an update and in a new installation.
\pset format unaligned
\pset tuples_only on
SET search_path TO pg_catalog;
SELECT extversion, extrelocatable, extconfig, extcondition FROM pg_extension WHERE extname = 'pgautofailover';
SELECT 'requires ' || e.extname FROM pg_depend AS d JOIN pg_extension AS x ON d.classid = 'pg_extension'::regclass AND d.objid = x.oid
  JOIN pg_extension AS e ON d.refclassid = 'pg_extension'::regclass AND d.refobjid = e.oid WHERE x.extname = 'pgautofailover';
SELECT nspname, nspacl FROM pg_namespace WHERE nspname = 'pgautofailover';
SELECT pg_get_functiondef(p.oid), proacl, pg_get_userbyid(proowner), l.lanname FROM pg_proc AS p JOIN pg_language AS l ON l.oid = p.prolang
 WHERE pronamespace = 'pgautofailover'::regnamespace ORDER BY p.oid::regprocedure::text COLLATE "C";
SELECT c.relname, c.relkind, c.reloptions, c.relacl, c.relpersistence, a.attnum, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull,
       pg_get_expr(d.adbin, d.adrelid), a.attacl, a.attstorage
  FROM pg_class AS c JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0
  LEFT JOIN pg_attrdef AS d ON d.adrelid = c.oid AND d.adnum = a.attnum
 WHERE c.relnamespace = 'pgautofailover'::regnamespace ORDER BY c.relname COLLATE "C", a.attnum;
SELECT c.relname, pg_get_viewdef(c.oid) FROM pg_class AS c WHERE c.relnamespace = 'pgautofailover'::regnamespace AND c.relkind = 'v' ORDER BY 1;
SELECT pg_get_indexdef(i.indexrelid) FROM pg_index AS i JOIN pg_class AS c ON c.oid = i.indrelid
 WHERE c.relnamespace = 'pgautofailover'::regnamespace ORDER BY 1;
SELECT conrelid::regclass, conname, contype, pg_get_constraintdef(oid) FROM pg_constraint
 WHERE connamespace = 'pgautofailover'::regnamespace ORDER BY conrelid::regclass::text COLLATE "C", conname COLLATE "C";
SELECT tgrelid::regclass, tgname, pg_get_triggerdef(t.oid) FROM pg_trigger AS t JOIN pg_class AS c ON c.oid = t.tgrelid
 WHERE c.relnamespace = 'pgautofailover'::regnamespace AND NOT tgisinternal ORDER BY 1, 2;
SELECT t.typname, t.typtype, t.typacl, (SELECT array_agg(e.enumlabel ORDER BY e.enumsortorder) FROM pg_enum AS e WHERE e.enumtypid = t.oid)
  FROM pg_type AS t WHERE t.typnamespace = 'pgautofailover'::regnamespace ORDER BY t.typname COLLATE "C";
SELECT obj_description('pgautofailover'::regnamespace);
SELECT seqrelid::regclass, seqtypid::regtype, seqstart, seqincrement, seqmax, seqmin, seqcache, seqcycle, pg_describe_object(d.refclassid, d.refobjid, d.refobjsubid)
  FROM pg_sequence JOIN pg_class AS c ON c.oid = seqrelid
  LEFT JOIN pg_depend AS d ON d.classid = 'pg_class'::regclass AND d.objid = seqrelid AND d.deptype = 'a'
 WHERE c.relnamespace = 'pgautofailover'::regnamespace ORDER BY 1;
SELECT * FROM pgautofailover.rule ORDER BY pos;
-- members of the extension; temporary objects of the update must not be among them
SELECT pg_describe_object(d.classid, d.objid, d.objsubid) FROM pg_depend AS d JOIN pg_extension AS e
    ON d.refclassid = 'pg_extension'::regclass AND d.refobjid = e.oid AND d.deptype = 'e'
 WHERE e.extname = 'pgautofailover' ORDER BY 1;
