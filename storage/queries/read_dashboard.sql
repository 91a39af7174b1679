-- What is written for the browser: of a study's system attributes, those of optuna-dashboard and our mark.
SELECT key, value_json AS value FROM study_system_attributes
WHERE study_id = %(study_id)s AND (key = 'studyhall:board' OR key LIKE 'dashboard:note\_%%')
