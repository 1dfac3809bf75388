-- Which goal a keeper can reach from which state: the edges of its own table (keeper/fsm.go), by goal.
CREATE TABLE transcript.keeper_edge AS
SELECT unnest(string_to_array(froms, ' ')) AS reported, goal
  FROM (VALUES
    ('single', 'init dropped primary wait_primary join_primary demoted demote_timeout draining' ||
               ' secondary catchingup prepare_promotion stop_replication report_lsn wait_maintenance' ||
               ' fast_forward apply_settings'),
    ('report_lsn', 'dropped secondary catchingup maintenance prepare_maintenance wait_maintenance' ||
               ' fast_forward prepare_promotion stop_replication demote_timeout join_secondary draining' ||
               ' demoted init'),
    ('draining', 'primary join_primary apply_settings'),
    ('demoted', 'draining primary join_primary apply_settings demote_timeout wait_primary init single' ||
               ' catchingup secondary prepare_promotion stop_replication maintenance' ||
               ' prepare_maintenance wait_maintenance report_lsn fast_forward'),
    ('demote_timeout', 'primary join_primary apply_settings draining init single demoted catchingup secondary' ||
               ' prepare_promotion stop_replication maintenance prepare_maintenance wait_maintenance' ||
               ' report_lsn fast_forward'),
    ('prepare_maintenance', 'primary'),
    ('maintenance', 'prepare_maintenance primary secondary catchingup wait_maintenance'),
    ('wait_primary', 'single primary join_primary stop_replication prepare_promotion apply_settings'),
    ('join_primary', 'primary wait_primary apply_settings'),
    ('primary', 'wait_primary join_primary demote_timeout apply_settings'),
    ('catchingup', 'wait_standby demoted secondary maintenance prepare_maintenance'),
    ('secondary', 'catchingup report_lsn join_secondary'),
    ('prepare_promotion', 'secondary catchingup report_lsn fast_forward'),
    ('stop_replication', 'prepare_promotion'),
    ('wait_standby', 'init dropped secondary'),
    ('wait_maintenance', 'secondary catchingup'),
    ('apply_settings', 'primary wait_primary'),
    ('fast_forward', 'report_lsn'),
    ('join_secondary', 'report_lsn'),
    ('dropped', 'any')) AS e (goal, froms);
