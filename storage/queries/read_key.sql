-- What names a study in its digests, and its search.
SELECT key, search FROM studyhall_studies WHERE study_id = %(study_id)s
