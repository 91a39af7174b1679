-- What another Optuna program can say: study.set_user_attr("stop", True). Every worker then drains, as by `stop`.
WITH told AS (
    UPDATE studyhall_studies AS ours SET draining = true
    WHERE ours.study_id = %(study_id)s AND NOT ours.draining
      AND EXISTS (SELECT FROM study_user_attributes AS said
                  WHERE said.study_id = ours.study_id AND said.key = 'stop' AND said.value_json = 'true')
    RETURNING ours.study_id
)
SELECT pg_notify('studyhall_' || study_id, 'draining') FROM told
