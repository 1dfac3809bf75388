-- What an update keeps: every column of 2.0, but the candidate priorities that a failover had moved.
\pset format unaligned
\pset tuples_only on
SELECT formationid, kind, dbname, opt_secondary, number_sync_standbys FROM pgautofailover.formation ORDER BY 1;
SELECT formationid, nodeid, groupid, nodename, nodehost, nodeport, sysidentifier, goalstate, reportedstate, reportedpgisrunning,
       reportedrepstate, reporttime, reportedtli, reportedlsn, walreporttime, health, healthchecktime, statechangetime,
       CASE WHEN candidatepriority BETWEEN 0 AND 100 THEN candidatepriority ELSE 100 END AS candidatepriority, replicationquorum, nodecluster
  FROM pgautofailover.node ORDER BY nodeid;
SELECT eventid, eventtime, formationid, nodeid, groupid, nodename, nodehost, nodeport, reportedstate, goalstate,
       reportedrepstate, reportedtli, reportedlsn, candidatepriority, replicationquorum, description
  FROM pgautofailover.event ORDER BY eventid;
SELECT last_value, is_called FROM pgautofailover.node_nodeid_seq;
SELECT last_value, is_called FROM pgautofailover.event_eventid_seq;
