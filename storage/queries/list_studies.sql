-- Every study that Studyhall made, with its trials counted by state; withdrawn and set-aside trials are counted apart.
SELECT study.study_name AS name, study.study_id, ours.search, ours.outcome, ours.outcome_kind, ours.failed, ours.draining, ours.created_at,
    ours.deadline IS NOT NULL AND ours.deadline <= clock_timestamp() AS late, ours.steps, ours.max_trials,
    count(trial.*) FILTER (WHERE trial.state = 'WAITING') AS waiting,
    count(trial.*) FILTER (WHERE trial.state = 'RUNNING') AS running,
    count(trial.*) FILTER (WHERE trial.state = 'COMPLETE') - coalesce(gone.complete, 0) AS complete,
    count(trial.*) FILTER (WHERE trial.state = 'PRUNED') - coalesce(gone.pruned, 0) AS pruned,
    count(trial.*) FILTER (WHERE trial.state = 'FAIL') - coalesce(gone.failures + gone.withdrawn, 0) AS failures,
    coalesce(gone.withdrawn, 0) AS withdrawn,
    coalesce(gone.complete + gone.pruned + gone.failures, 0) AS set_aside
FROM studies AS study JOIN studyhall_studies AS ours USING (study_id)
LEFT JOIN trials AS trial USING (study_id)
LEFT JOIN (
    SELECT point.study_id, count(*) FILTER (WHERE failure = 'withdrawn') AS withdrawn,
        count(*) FILTER (WHERE set_aside IS NOT NULL AND state = 'COMPLETE') AS complete,
        count(*) FILTER (WHERE set_aside IS NOT NULL AND state = 'PRUNED') AS pruned,
        count(*) FILTER (WHERE set_aside IS NOT NULL AND state = 'FAIL') AS failures
    FROM studyhall_points AS point JOIN trials USING (trial_id)
    WHERE failure = 'withdrawn' OR set_aside IS NOT NULL GROUP BY point.study_id
) AS gone USING (study_id)
WHERE %(name)s::text IS NULL OR study.study_name = %(name)s::text
GROUP BY study.study_id, ours.study_id, gone.withdrawn, gone.complete, gone.pruned, gone.failures
ORDER BY study.study_id
