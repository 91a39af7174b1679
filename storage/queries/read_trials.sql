-- Trials with everything that Optuna knows of them, a row each. Numbers that JSON lacks are texts.
SELECT trial.trial_id, trial.number, trial.state::text AS state, trial.datetime_start, trial.datetime_complete,
    EXISTS (SELECT FROM studyhall_points AS point WHERE point.trial_id = trial.trial_id) AS planned,
    (SELECT json_agg(json_build_array(value, value_type) ORDER BY objective)
     FROM trial_values AS kept WHERE kept.trial_id = trial.trial_id) AS scores,
    (SELECT json_agg(json_build_array(param_name, param_value, distribution_json) ORDER BY param_id)
     FROM trial_params AS kept WHERE kept.trial_id = trial.trial_id) AS params,
    (SELECT json_agg(json_build_array(step, intermediate_value, intermediate_value_type) ORDER BY step)
     FROM trial_intermediate_values AS kept WHERE kept.trial_id = trial.trial_id) AS steps,
    (SELECT json_object_agg(key, value_json)
     FROM trial_user_attributes AS kept WHERE kept.trial_id = trial.trial_id) AS user_attrs,
    (SELECT json_object_agg(key, value_json)
     FROM trial_system_attributes AS kept WHERE kept.trial_id = trial.trial_id) AS system_attrs
FROM trials AS trial
WHERE trial.study_id = %(study_id)s AND trial.trial_id = ANY(%(trial_ids)s)
ORDER BY trial.trial_id
