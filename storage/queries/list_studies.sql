-- Every study that Studyhall made, with its trials counted by state; withdrawn trials are counted apart from FAIL.
SELECT study.study_name AS name, study.study_id, ours.search, ours.outcome, ours.outcome_kind, ours.failed, ours.draining, ours.created_at,
    ours.deadline IS NOT NULL AND ours.deadline <= clock_timestamp() AS late, ours.steps, ours.max_trials,
    count(trial.*) FILTER (WHERE trial.state = 'WAITING') AS waiting,
    count(trial.*) FILTER (WHERE trial.state = 'RUNNING') AS running,
    count(trial.*) FILTER (WHERE trial.state = 'COMPLETE') AS complete,
    count(trial.*) FILTER (WHERE trial.state = 'PRUNED') AS pruned,
    count(trial.*) FILTER (WHERE trial.state = 'FAIL') - coalesce(gone.withdrawn, 0) AS failures,
    coalesce(gone.withdrawn, 0) AS withdrawn
FROM studies AS study JOIN studyhall_studies AS ours USING (study_id)
LEFT JOIN trials AS trial USING (study_id)
LEFT JOIN (
    SELECT study_id, count(*) AS withdrawn FROM studyhall_points WHERE failure = 'withdrawn' GROUP BY study_id
) AS gone USING (study_id)
WHERE %(name)s::text IS NULL OR study.study_name = %(name)s::text
GROUP BY study.study_id, ours.study_id, gone.withdrawn
ORDER BY study.study_id
