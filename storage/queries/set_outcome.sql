-- Why the search ended; null while it goes on.
UPDATE studyhall_studies SET outcome = %(outcome)s, outcome_kind = %(kind)s, failed = coalesce(%(kind)s IN ('failed', 'alike'), false)
WHERE study_id = %(study_id)s AND (outcome IS DISTINCT FROM %(outcome)s OR outcome_kind IS DISTINCT FROM %(kind)s)
