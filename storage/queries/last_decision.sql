-- The state to go on from.
SELECT number, state FROM studyhall_decisions WHERE study_id = %(study_id)s ORDER BY number DESC LIMIT 1
