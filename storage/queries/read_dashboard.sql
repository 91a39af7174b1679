-- The note and the mark of the last update: optuna-dashboard's system attributes of a study, and ours.
SELECT key, value_json AS value FROM study_system_attributes
WHERE study_id = %(study_id)s AND (key = 'studyhall:board' OR key LIKE 'dashboard:note\_%%')
