-- Of a study in which no trial has succeeded yet: why trials failed for good since its definition was last changed.
SELECT study.keep_going, study.outcome, study.outcome_kind,
    EXISTS (SELECT FROM trials AS trial JOIN studyhall_points AS point USING (trial_id)
            WHERE trial.study_id = study.study_id AND trial.state IN ('COMPLETE', 'PRUNED')) AS succeeded,
    EXISTS (SELECT FROM trials AS trial WHERE trial.study_id = study.study_id AND trial.state = 'WAITING') AS waiting,
    ARRAY(SELECT coalesce(point.reason, '') FROM trials AS trial JOIN studyhall_points AS point USING (trial_id)
          WHERE trial.study_id = study.study_id AND trial.state = 'FAIL' AND point.failure = 'failed' AND NOT point.retired
            AND point.round > (SELECT coalesce(max(number), -3) FROM studyhall_decisions AS decision
                               WHERE decision.study_id = study.study_id AND kind = 'override')
          ORDER BY trial.number) AS reasons
FROM studyhall_studies AS study WHERE study.study_id = %(study_id)s
