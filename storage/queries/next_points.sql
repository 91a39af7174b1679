-- The first points that could be claimed now, in the order of claims. Claims nothing.
SELECT trial.number, point.config,
    EXISTS (SELECT FROM studyhall_attempts AS earlier
            WHERE earlier.trial_id = trial.trial_id AND outcome = 'out_of_memory') AS alone
FROM trials AS trial
JOIN studyhall_studies AS study USING (study_id)
JOIN studyhall_points AS point USING (trial_id)
WHERE trial.study_id = %(study_id)s
  AND trial.state = 'WAITING'
  AND (%(numbers)s::integer[] IS NULL OR trial.number = ANY(%(numbers)s::integer[]))
  AND NOT study.draining
  AND (study.max_trials IS NULL OR trial.number < study.max_trials)
  AND (study.deadline IS NULL OR clock_timestamp() < study.deadline)
ORDER BY trial.number
LIMIT %(most)s
