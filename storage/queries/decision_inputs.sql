-- What a decision's digest is taken over, beside what the search says; the caller holds the study's row.
SELECT key, digest AS origin, head AS before, definitions[array_upper(definitions, 1)] AS definition,
    ARRAY(SELECT hash FROM studyhall_points AS point JOIN trials AS trial USING (trial_id)
          WHERE point.study_id = %(study_id)s AND round = %(number)s AND retry_of IS NULL ORDER BY trial.number) AS plan,
    (SELECT json_agg(json_build_array(trial.number, point.hash, trial.state, point.reason, point.failure,
                (SELECT digest FROM studyhall_attempts AS attempt WHERE attempt.trial_id = point.trial_id AND accepted
                 ORDER BY attempt DESC LIMIT 1)) ORDER BY used.place)
     FROM unnest(%(trials)s::integer[]) WITH ORDINALITY AS used (trial_id, place)
     JOIN trials AS trial USING (trial_id) JOIN studyhall_points AS point USING (trial_id)) AS used
FROM studyhall_studies WHERE study_id = %(study_id)s
