-- Store a decision with the results that it was made from. The primary key keeps two planners from making it twice.
INSERT INTO studyhall_decisions (study_id, number, kind, record, state, trials, definition, code)
SELECT study_id, %(number)s, %(kind)s, %(record)s, %(state)s, %(trials)s, definitions[array_upper(definitions, 1)], %(code)s
FROM studyhall_studies WHERE study_id = %(study_id)s
