-- Of every finished trial a digest of its parameters, its values and what it reported; without ids, and without times.
SELECT trial.number, trial.state::text AS state, encode(sha256(convert_to(json_build_array(
    (SELECT json_agg(json_build_array(param_name, param_value::text, distribution_json) ORDER BY param_name)
     FROM trial_params AS kept WHERE kept.trial_id = trial.trial_id),
    (SELECT json_agg(json_build_array(objective, value::text, value_type) ORDER BY objective)
     FROM trial_values AS kept WHERE kept.trial_id = trial.trial_id),
    (SELECT json_agg(json_build_array(step, intermediate_value::text, intermediate_value_type) ORDER BY step)
     FROM trial_intermediate_values AS kept WHERE kept.trial_id = trial.trial_id),
    (SELECT json_agg(json_build_array(step, attempt, names, figures::text) ORDER BY step)
     FROM studyhall_reports AS kept WHERE kept.trial_id = trial.trial_id)
)::text, 'UTF8')), 'hex') AS digest
FROM trials AS trial
WHERE trial.study_id = %(study_id)s AND trial.state IN ('COMPLETE', 'PRUNED', 'FAIL')
ORDER BY trial.number
