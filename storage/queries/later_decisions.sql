-- The decisions of a study from a number on.
SELECT number, kind, record, state, decided_at
FROM studyhall_decisions WHERE study_id = %(study_id)s AND number >= %(first)s ORDER BY number
