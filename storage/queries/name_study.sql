-- The name of a study that Studyhall made.
SELECT study_name AS name FROM studies JOIN studyhall_studies USING (study_id) WHERE study_id = %(study_id)s
