-- The trials of a study that have begun, for a pruner: their setting (a configuration without its seed), the values that
-- Optuna shows of their reports, and the rungs that successive halving has kept. `first`: the setting's first trial.
WITH begun AS (
    SELECT trial.trial_id, trial.number, trial.state, point.retired, md5(point.config::text) AS setting,
        min(trial.number) OVER (PARTITION BY md5(point.config::text)) AS first
    FROM trials AS trial JOIN studyhall_points AS point USING (trial_id)
    WHERE trial.study_id = %(study_id)s AND trial.state <> 'WAITING'
)
SELECT trial_id, number, state::text AS state, setting, first,
    coalesce((SELECT json_agg(json_build_array(step, CASE intermediate_value_type
                  WHEN 'FINITE' THEN intermediate_value::text WHEN 'INF_POS' THEN 'inf' WHEN 'INF_NEG' THEN '-inf' ELSE 'nan' END)
                  ORDER BY step)
              FROM trial_intermediate_values AS kept WHERE kept.trial_id = begun.trial_id), '[]') AS steps,
    coalesce((SELECT json_object_agg(key, value_json) FROM trial_system_attributes AS kept
              WHERE kept.trial_id = begun.trial_id AND key LIKE 'completed\_rung\_%%'), '{}') AS rungs
FROM begun WHERE NOT retired ORDER BY number
