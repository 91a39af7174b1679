-- No worker signs in to the study until this transaction ends.
SELECT study_id FROM studyhall_studies WHERE study_id = %(study_id)s FOR UPDATE
