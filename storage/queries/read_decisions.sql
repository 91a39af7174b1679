-- The decisions of a study from a number on, in their order.
SELECT number, kind, record, state, trials, definition, code, decided_at, origin, digest
FROM studyhall_decisions WHERE study_id = %(study_id)s AND number >= %(first)s ORDER BY number
