-- How many trials and decisions a study has, read from the ends of their indexes without counting.
SELECT
    coalesce((SELECT number + 1 FROM trials WHERE study_id = %(study_id)s
              ORDER BY number DESC NULLS LAST LIMIT 1), 0) AS trials,
    coalesce((SELECT number + 1 FROM studyhall_decisions WHERE study_id = %(study_id)s
              ORDER BY number DESC LIMIT 1), 0) AS decisions
