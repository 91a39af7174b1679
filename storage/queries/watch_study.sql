-- Where a study is, without counting it: how many trials and decisions there are, from the ends of their indexes.
SELECT study.study_id, study.study_name AS name, ours.search, ours.origin, ours.outcome, ours.failed, ours.draining,
    ours.steps, ours.max_trials, ours.created_at,
    ours.deadline IS NOT NULL AND ours.deadline <= clock_timestamp() AS late,
    coalesce((SELECT number + 1 FROM trials AS trial WHERE trial.study_id = study.study_id
              ORDER BY number DESC NULLS LAST LIMIT 1), 0) AS trials,
    coalesce((SELECT number + 1 FROM studyhall_decisions AS decision WHERE decision.study_id = study.study_id
              ORDER BY number DESC LIMIT 1), 0) AS decisions
FROM studies AS study JOIN studyhall_studies AS ours USING (study_id)
WHERE study.study_name = %(name)s
