-- The parameters that Optuna shows of every point of a study, by trial. Values are texts: JSON has no NaN.
SELECT trial_id, json_agg(json_build_array(param_name, param_value::text, distribution_json)) AS params
FROM trial_params JOIN studyhall_points AS point USING (trial_id)
WHERE point.study_id = %(study_id)s
GROUP BY trial_id
