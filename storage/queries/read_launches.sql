-- What was asked of schedulers for a study, the oldest first.
SELECT value_json AS value FROM study_user_attributes
WHERE study_id = %(study_id)s AND key LIKE 'studyhall:launch:%%' ORDER BY study_user_attribute_id
