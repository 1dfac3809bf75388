-- Formations.

-- PL/pgSQL refuses arguments and result columns of the same name: the work is done here, the interface is below.
CREATE FUNCTION pgautofailover.create_formation_row(
    new_id text, new_kind text, new_dbname name, new_opt_secondary bool, new_number_sync int
) RETURNS pgautofailover.formation
LANGUAGE plpgsql SECURITY DEFINER
AS $$
DECLARE
    f pgautofailover.formation;
BEGIN
    IF new_kind NOT IN ('pgsql', 'citus', 'unknown', '') THEN
        RAISE EXCEPTION 'unknown formation kind "%"', new_kind
              USING ERRCODE = 'invalid_parameter_value', HINT = 'Use "pgsql" or "citus".';
    END IF;
    IF new_id = '' OR octet_length(new_id) > 63 THEN
        RAISE EXCEPTION 'invalid formation name "%"', new_id
              USING ERRCODE = 'invalid_parameter_value',
                    DETAIL = 'A formation name has 1 to 63 bytes.';
    END IF;
    IF new_number_sync < 0 THEN
        RAISE EXCEPTION 'invalid number_sync_standbys %', new_number_sync
              USING ERRCODE = 'invalid_parameter_value', DETAIL = 'It is at least 0.';
    END IF;
    INSERT INTO pgautofailover.formation (formationid, kind, dbname, opt_secondary, number_sync_standbys)
    VALUES (new_id, CASE new_kind WHEN '' THEN 'unknown' ELSE new_kind END, new_dbname, new_opt_secondary, new_number_sync)
    RETURNING * INTO f;
    RETURN f;
END
$$;

CREATE FUNCTION pgautofailover.create_formation(
    formation_id text, kind text, dbname name, opt_secondary bool, number_sync_standbys int,
    OUT formation_id text, OUT kind text, OUT dbname name, OUT opt_secondary bool, OUT number_sync_standbys int
) RETURNS record
LANGUAGE sql STRICT SECURITY DEFINER
AS $$ SELECT f.formationid, f.kind, f.dbname, f.opt_secondary, f.number_sync_standbys
        FROM pgautofailover.create_formation_row($1, $2, $3, $4, $5) AS f $$;

-- The formation's row. Unknown: 22023, the SQLSTATE of the caller's interface.
CREATE FUNCTION pgautofailover.get_formation(
    formation_id text, missing_sqlstate text DEFAULT '22023'
) RETURNS pgautofailover.formation
LANGUAGE plpgsql STABLE
AS $$
DECLARE
    f pgautofailover.formation;
BEGIN
    SELECT * INTO f FROM pgautofailover.formation AS x WHERE x.formationid = formation_id;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'formation "%" does not exist', formation_id
              USING ERRCODE = missing_sqlstate,
                    HINT = 'Create it with: pgaf create formation --formation NAME --kind pgsql. '
                           'The formations are in table pgautofailover.formation.';
    END IF;
    RETURN f;
END
$$;

CREATE FUNCTION pgautofailover.drop_formation(formation_id text) RETURNS void
LANGUAGE plpgsql STRICT SECURITY DEFINER
AS $$
DECLARE
    attached bigint;
BEGIN
    PERFORM pgautofailover.lock_formation(formation_id);
    PERFORM pgautofailover.get_formation(formation_id, 'XX000');
    SELECT count(*) INTO attached FROM pgautofailover.node AS n WHERE n.formationid = formation_id;
    IF attached > 0 THEN
        RAISE EXCEPTION 'formation "%" still has % node(s)', formation_id, attached
              USING ERRCODE = 'foreign_key_violation', HINT = 'Drop its nodes first: pgaf drop node.';
    END IF;
    DELETE FROM pgautofailover.formation AS f WHERE f.formationid = formation_id;
END
$$;

CREATE FUNCTION pgautofailover.enable_secondary(formation_id text) RETURNS bool
LANGUAGE plpgsql STRICT SECURITY DEFINER
AS $$
BEGIN
    PERFORM pgautofailover.lock_formation(formation_id);
    PERFORM pgautofailover.get_formation(formation_id);
    UPDATE pgautofailover.formation AS f SET opt_secondary = true WHERE f.formationid = formation_id;
    RETURN true;
END
$$;

CREATE FUNCTION pgautofailover.disable_secondary(formation_id text) RETURNS bool
LANGUAGE plpgsql STRICT SECURITY DEFINER
AS $$
BEGIN
    PERFORM pgautofailover.lock_formation(formation_id);
    PERFORM pgautofailover.get_formation(formation_id);
    UPDATE pgautofailover.formation AS f SET opt_secondary = false WHERE f.formationid = formation_id;
    RETURN true;
END
$$;
