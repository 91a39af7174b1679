-- Another Optuna program may ask with study.set_user_attr("stop", True): every worker then drains, as by `stop`.
WITH drained AS (
    UPDATE studyhall_studies AS ours SET draining = true
    WHERE ours.study_id = %(study_id)s AND NOT ours.draining
      AND EXISTS (SELECT FROM study_user_attributes AS asked
                  WHERE asked.study_id = ours.study_id AND asked.key = 'stop' AND asked.value_json = 'true')
    RETURNING ours.study_id
)
SELECT pg_notify('studyhall_' || study_id, 'draining') FROM drained
