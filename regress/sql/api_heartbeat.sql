-- node_active: what it refuses, what it stores, what it answers.
\set ECHO none
\i sql/include/transcript.sql
\set ECHO all

SELECT group_of('a', 'b');
SELECT works($$SELECT * FROM pgautofailover.node_active('default', 1, 0, 'primary', true, 1, '0/3000', 'quorum')$$);
SELECT fails($$SELECT pgautofailover.node_active('default', 99, 0)$$);
SELECT fails($$SELECT pgautofailover.node_active('other', 1, 0)$$);
SELECT fails($$SELECT pgautofailover.node_active('default', 1, 0, 'primary', true, 1, '0/3000', 'streaming')$$);
SELECT fails($$SELECT pgautofailover.node_active('default', 1, 0, 'unknown')$$);
SELECT fails($$SELECT pgautofailover.node_active('default', 1, 0, 'primary', true, -1, '0/3000')$$);
SELECT fails($$SELECT pgautofailover.node_active('default', 1, 0, 'primary', true, 1, 'far')$$);

-- The group that the caller names does not matter.
SELECT works($$SELECT * FROM pgautofailover.node_active('default', 1, 7, 'primary', true, 1, '0/3000', 'quorum')$$);
SELECT works($$SELECT * FROM pgautofailover.node_active('default', 1, -1, 'primary', true, 1, '0/3000', 'quorum')$$);
SELECT works($$SELECT * FROM pgautofailover.node_active('default', 1, 2147483647, 'primary', true, 1, '0/3000', 'quorum')$$);

-- Timeline 0 and LSN 0/0 mean: as before.
SELECT works($$SELECT * FROM pgautofailover.node_active('default', 1, 0, 'primary', true, 0, '0/0', 'quorum')$$);
SELECT reportedtli, reportedlsn, reportedrepstate FROM node WHERE nodeid = 1;
SELECT works($$SELECT * FROM pgautofailover.node_active('default', 2, 0, 'secondary', true, 1, '0/4000')$$);
SELECT works($$SELECT * FROM pgautofailover.node_active('default', 2, 0, 'secondary', true, 1, '0/4000', 'unknown')$$);
SELECT reportedtli, reportedlsn, reportedrepstate FROM node WHERE nodeid = 2;

-- A system identifier is needed as soon as there is data.
SELECT register('c', sysid => 0);
SELECT fails($$SELECT pgautofailover.node_active('default', 3, 0, 'secondary', true, 1, '0/4000')$$);

-- Every state that a keeper can have may be reported, with the goal that it is given or another one: there is always an answer.
DO $$
DECLARE
    reported pgautofailover.replication_state;
    goal pgautofailover.replication_state;
    other pgautofailover.replication_state;
    calls int := 0;
BEGIN
    FOREACH reported IN ARRAY (enum_range(NULL::pgautofailover.replication_state))[2:] LOOP
        FOREACH goal IN ARRAY (enum_range(NULL::pgautofailover.replication_state))[2:] LOOP
            FOREACH other IN ARRAY ARRAY['primary', 'secondary', 'report_lsn', 'demoted', 'dropped']::pgautofailover.replication_state[] LOOP
                BEGIN
                    UPDATE pgautofailover.node SET goalstate = goal WHERE nodeid = 1;
                    UPDATE pgautofailover.node SET goalstate = other, reportedstate = other WHERE nodeid = 2;
                    PERFORM pgautofailover.node_active('default', 1, 0, reported, true, 1, '0/3000');
                    PERFORM pgautofailover.node_active('default', 1, 0, reported, false, 1, '0/3000');
                    PERFORM pgautofailover.explain();
                    RAISE EXCEPTION 'undo' USING ERRCODE = 'ZZ001';
                EXCEPTION WHEN SQLSTATE 'ZZ001' THEN
                    calls := calls + 1;
                WHEN foreign_key_violation THEN
                    NULL;
                WHEN undefined_object THEN
                    -- the second report of a node that is gone
                    calls := calls + (reported = 'dropped' AND goal = 'dropped')::int;
                END;
            END LOOP;
        END LOOP;
    END LOOP;
    RAISE NOTICE '% reports were answered', calls;
END
$$;
SELECT state();

-- D7: the answer is the row as it is after the decision, also when the decision is about the one that reports.
SELECT silent('a');
SELECT assigned_group_state FROM node_active('default', 2, 0, 'report_lsn', true, 1, '0/4000');
SELECT goalstate FROM node WHERE nodeid = 2;
