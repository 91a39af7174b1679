-- Every study that Studyhall made, with its trials counted by state; withdrawn and taken trials are counted apart, and so
-- are those that were set aside.
SELECT study.study_name AS name, study.study_id, ours.search, ours.outcome, ours.outcome_kind, ours.failed, ours.draining, ours.created_at,
    ours.deadline IS NOT NULL AND ours.deadline <= clock_timestamp() AS late, ours.steps, ours.max_trials,
    coalesce((ours.origin ->> 'on_laptop')::boolean, false) AS on_laptop,
    count(trial.*) FILTER (WHERE trial.state = 'WAITING') AS waiting,
    count(trial.*) FILTER (WHERE trial.state = 'RUNNING') AS running,
    count(trial.*) FILTER (WHERE trial.state = 'COMPLETE') - coalesce(gone.complete, 0) AS complete,
    count(trial.*) FILTER (WHERE trial.state = 'PRUNED') - coalesce(gone.pruned, 0) AS pruned,
    count(trial.*) FILTER (WHERE trial.state = 'FAIL') - coalesce(gone.failures, 0) AS failures,
    coalesce(gone.withdrawn, 0) AS withdrawn,
    coalesce(gone.set_aside, 0) AS set_aside,
    (SELECT json_object_agg(substr(key, 5), value_json) FROM study_user_attributes AS tag
     WHERE tag.study_id = study.study_id AND key LIKE 'tag:%%') AS tags
FROM studies AS study JOIN studyhall_studies AS ours USING (study_id)
LEFT JOIN trials AS trial USING (study_id)
LEFT JOIN (
    SELECT point.study_id, count(*) FILTER (WHERE set_aside IS NULL) AS withdrawn, count(set_aside) AS set_aside,
        count(*) FILTER (WHERE state = 'COMPLETE') AS complete, count(*) FILTER (WHERE state = 'PRUNED') AS pruned,
        count(*) FILTER (WHERE state = 'FAIL') AS failures
    FROM studyhall_points AS point JOIN trials USING (trial_id)
    WHERE failure IN ('withdrawn', 'taken') OR set_aside IS NOT NULL GROUP BY point.study_id
) AS gone USING (study_id)
WHERE %(name)s::text IS NULL OR study.study_name = %(name)s::text
GROUP BY study.study_id, ours.study_id, gone.withdrawn, gone.set_aside, gone.complete, gone.pruned, gone.failures
ORDER BY study.study_id
