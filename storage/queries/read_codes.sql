-- The versions of the user's code that a study's workers have run, the first one first.
SELECT version, details, seen_at FROM studyhall_codes WHERE study_id = %(study_id)s ORDER BY seen_at, version
