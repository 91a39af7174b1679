-- Every decision of a study, first to last.
SELECT number, kind, record, state, trials, definition, code, decided_at
FROM studyhall_decisions WHERE study_id = %(study_id)s ORDER BY number
