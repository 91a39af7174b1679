-- The last decision's number, and the search's state after it.
SELECT number, state FROM studyhall_decisions WHERE study_id = %(study_id)s ORDER BY number DESC LIMIT 1
