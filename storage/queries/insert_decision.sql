-- Store a decision with the results that it was made from. The primary key keeps two planners from making it twice.
WITH last AS (
    UPDATE studyhall_studies SET head = %(digest)s WHERE study_id = %(study_id)s
)
INSERT INTO studyhall_decisions (study_id, number, kind, record, state, trials, definition, code, origin, digest)
VALUES (%(study_id)s, %(number)s, %(kind)s, %(record)s, %(state)s, %(trials)s, %(definition)s, %(code)s, %(origin)s, %(digest)s)
