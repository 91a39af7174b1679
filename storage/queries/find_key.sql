-- The name of the study that has a key.
SELECT study_name AS name FROM studies JOIN studyhall_studies USING (study_id) WHERE key = %(key)s LIMIT 1
