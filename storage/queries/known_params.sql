-- A study's parameters in Optuna: name and distribution, as the first planned trial has them.
SELECT param.param_name AS name, param.distribution_json AS distribution
FROM trial_params AS param
WHERE param.trial_id = (SELECT min(trial_id) FROM studyhall_points WHERE study_id = %(study_id)s)
ORDER BY param.param_id
