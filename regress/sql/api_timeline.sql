-- Timelines: history, status, and an operators choice.
\set ECHO none
\i sql/include/transcript.sql
\set ECHO all

SELECT group_of('a', 'b');
SELECT works($$SELECT pgautofailover.report_timeline_history(1, '[{"tli": 2, "parenttli": 1, "switchpoint": "0/3000"},
                                                                  {"tli": 3, "parenttli": 2, "switchpoint": "0/5000"}]')$$);
-- What is known already stays.
SELECT works($$SELECT pgautofailover.report_timeline_history(1, '[{"tli": 2, "parenttli": 1, "switchpoint": "0/9999"}]')$$);
SELECT works($$SELECT pgautofailover.report_timeline_history(1, '[]')$$);
SELECT * FROM node_timeline_history ORDER BY 1, 2;
SELECT fails($$SELECT pgautofailover.report_timeline_history(99, '[{"tli": 2, "parenttli": 1, "switchpoint": "0/3000"}]')$$);
SELECT fails($$SELECT pgautofailover.report_timeline_history(NULL, '[]')$$);
SELECT fails($$SELECT pgautofailover.report_timeline_history(1, '{"tli": 2}')$$);
SELECT fails($$SELECT pgautofailover.report_timeline_history(1, '["x"]')$$);
SELECT fails($$SELECT pgautofailover.report_timeline_history(1, '[{"tli": 2}]')$$);
SELECT fails($$SELECT pgautofailover.report_timeline_history(1, '[{"tli": "x", "parenttli": 1, "switchpoint": "0/3000"}]')$$);
SELECT fails($$SELECT pgautofailover.report_timeline_history(1, NULL)$$);

SELECT works($$SELECT * FROM pgautofailover.node_timeline_status('default', 0)$$);
SELECT report('a', 'primary', '0/6000', tli => 3);
SELECT report('b', 'secondary', '0/6000', tli => 2);
SELECT works($$SELECT * FROM pgautofailover.node_timeline_status('default', 0)$$);

-- D11: b's timeline is an ancestor; but an unknown history is no reason to call a node diverged.
SELECT state();
SELECT works($$SELECT pgautofailover.accept_timeline('default', 0, 2, 'an operator')$$);
SELECT works($$SELECT * FROM pgautofailover.node_timeline_status('default', 0)$$);
SELECT accepted_tli, decided_by, resolved_at IS NULL FROM accepted_timeline;
SELECT works($$SELECT pgautofailover.accept_timeline('default', 0, 3)$$);
SELECT works($$SELECT * FROM pgautofailover.node_timeline_status('default', 0)$$);
SELECT fails($$SELECT pgautofailover.accept_timeline('default', 0, 9)$$);
SELECT fails($$SELECT pgautofailover.accept_timeline('nowhere', 0, 2)$$);
SELECT works($$SELECT pgautofailover.resolve_accepted_timeline('default', 0)$$);
SELECT works($$SELECT pgautofailover.resolve_accepted_timeline('nowhere', 0)$$);
SELECT accepted_tli, decided_by, resolved_at IS NULL FROM accepted_timeline ORDER BY decided_at;
SELECT works($$SELECT * FROM pgautofailover.node_timeline_status('nowhere', 0)$$);

-- Each number is given once, and is higher than any that a node has or had.
SELECT works($$SELECT pgautofailover.issue_timeline(2)$$);
SELECT works($$SELECT pgautofailover.issue_timeline(1)$$);
SELECT report('b', 'secondary', '0/6000', tli => 9);
SELECT report('b', 'secondary', '0/6000', tli => 3);
SELECT works($$SELECT pgautofailover.issue_timeline(1)$$);
SELECT fails($$SELECT pgautofailover.issue_timeline(99)$$);
SELECT report('b', 'secondary', '0/6000', tli => 20);
SELECT ask('remove_node(2, true)');
SELECT works($$SELECT pgautofailover.issue_timeline(1)$$);

-- The history goes with the node.
SELECT ask('remove_node(1, true)');
SELECT count(*) FROM node_timeline_history;
