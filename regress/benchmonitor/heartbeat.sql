-- Unchanged heartbeats: in each round every node reports once, in scattered order. The statement is that of package monitor.
\set round :round + 1
\set node ((:round * :clients + :client_id) * 7919) % :nodes
\set group :node / 2
\set id :node + 1
\if :node % 2 = 0
SELECT assigned_node_id, assigned_group_id, assigned_group_state::text, assigned_candidate_priority, assigned_replication_quorum FROM pgautofailover.node_active('g' || :group, :id::bigint, 0, 'primary'::text::pgautofailover.replication_state, true, 1, '0/3000000'::text::pg_lsn, 'quorum');
\else
SELECT assigned_node_id, assigned_group_id, assigned_group_state::text, assigned_candidate_priority, assigned_replication_quorum FROM pgautofailover.node_active('g' || :group, :id::bigint, 0, 'secondary'::text::pgautofailover.replication_state, true, 1, '0/3000000'::text::pg_lsn, '');
\endif
