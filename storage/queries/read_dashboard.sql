-- What the dashboard shows of a study: the note's pieces, and the marks of the workers' and the report's figures.
SELECT key, value_json AS value FROM study_system_attributes
WHERE study_id = %(study_id)s AND (key IN ('studyhall:board', 'studyhall:report') OR key LIKE 'dashboard:note\_%%')
