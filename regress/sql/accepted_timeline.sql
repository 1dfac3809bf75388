-- Nodes of a group went different ways, and an operator chooses: the next election looks at no other timeline.
\set ECHO none
\i sql/include/transcript.sql
\set ECHO all

SELECT group_of('a', 'b', 'c');

-- a is lost. b and c each were promoted by hand once, without knowing of each other; the numbers favour c.
SELECT silent('a');
SELECT works($$SELECT pgautofailover.report_timeline_history(2, '[{"tli": 2, "parenttli": 1, "switchpoint": "0/4000"}]')$$);
SELECT works($$SELECT pgautofailover.report_timeline_history(3, '[{"tli": 3, "parenttli": 1, "switchpoint": "0/4000"}]')$$);
SELECT report('c', 'report_lsn', '0/7000', tli => 3);
SELECT works($$SELECT pgautofailover.accept_timeline('default', 0, 2, 'b has the orders of Friday')$$);
SELECT works($$SELECT node_name, tli, reference_tli, on_accepted_lineage FROM pgautofailover.node_timeline_status('default', 0)$$);
SELECT doing FROM pgautofailover.explain('default', 0) WHERE node_name IS NULL;
SELECT report('b', 'report_lsn', '0/5000', tli => 2);
SELECT state();

-- The choice holds until b has taken over, and no longer.
SELECT accepted_tli, resolved_at IS NULL FROM accepted_timeline;
SELECT report('b', 'prepare_promotion');
SELECT obey('b');
SELECT state();
SELECT accepted_tli, resolved_at IS NULL FROM accepted_timeline;

-- What nobody is on any more cannot be chosen.
SELECT obey();
SELECT report('a', 'secondary', '0/8000', tli => 4);
SELECT report('b', 'primary', '0/8000', tli => 4);
SELECT report('c', 'secondary', '0/8000', tli => 4);
SELECT fails($$SELECT pgautofailover.accept_timeline('default', 0, 3)$$);
SELECT count(*) FROM accepted_timeline;
