-- What the search said last: why it has ended, or null while it goes on.
UPDATE studyhall_studies SET outcome = %(outcome)s, failed = %(failed)s
WHERE study_id = %(study_id)s AND (outcome IS DISTINCT FROM %(outcome)s OR failed <> %(failed)s)
