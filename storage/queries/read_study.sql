-- A study by name, with what is derived from its row. Another Optuna program's study has Optuna's half alone.
SELECT study.study_id, study.study_name AS name, ours.folder, ours.search, ours.origin, ours.definition, ours.definitions, ours.fingerprint,
    ours.code, ours.metrics, ours.steps, ours.max_trials, ours.deadline, ours.draining, ours.outcome, ours.outcome_kind, ours.failed, ours.created_at,
    ours.deadline IS NOT NULL AND ours.deadline <= clock_timestamp() AS late,
    clock_timestamp() AS now,
    (SELECT json_object_agg(substr(key, 5), value_json) FROM study_user_attributes AS tag
     WHERE tag.study_id = study.study_id AND key LIKE 'tag:%%') AS tags
FROM studies AS study LEFT JOIN studyhall_studies AS ours USING (study_id)
WHERE study.study_name = %(name)s
