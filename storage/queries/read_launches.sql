-- The jobs that schedulers were asked for, the oldest first.
SELECT value_json AS value FROM study_user_attributes
WHERE study_id = %(study_id)s AND key LIKE 'studyhall:launch:%%' ORDER BY study_user_attribute_id
