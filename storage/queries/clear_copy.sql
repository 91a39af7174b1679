-- What a copied study has of its original alone: its mark, the jobs that schedulers were asked for, a request to stop.
DELETE FROM study_user_attributes
WHERE study_id = %(study_id)s AND (key LIKE 'studyhall:launch:%%' OR key IN ('studyhall', 'stop'))
