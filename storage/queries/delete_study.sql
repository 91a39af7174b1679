-- A study with all its rows: Optuna's tables from the leaves up, since they do not cascade; Studyhall's tables cascade.
DELETE FROM trial_user_attributes USING trials AS t WHERE t.trial_id = trial_user_attributes.trial_id AND t.study_id = %(study_id)s;
DELETE FROM trial_system_attributes USING trials AS t WHERE t.trial_id = trial_system_attributes.trial_id AND t.study_id = %(study_id)s;
DELETE FROM trial_params USING trials AS t WHERE t.trial_id = trial_params.trial_id AND t.study_id = %(study_id)s;
DELETE FROM trial_values USING trials AS t WHERE t.trial_id = trial_values.trial_id AND t.study_id = %(study_id)s;
DELETE FROM trial_intermediate_values USING trials AS t
    WHERE t.trial_id = trial_intermediate_values.trial_id AND t.study_id = %(study_id)s;
DELETE FROM trial_heartbeats USING trials AS t WHERE t.trial_id = trial_heartbeats.trial_id AND t.study_id = %(study_id)s;
DELETE FROM studyhall_studies WHERE study_id = %(study_id)s;
DELETE FROM trials WHERE study_id = %(study_id)s;
DELETE FROM study_directions WHERE study_id = %(study_id)s;
DELETE FROM study_user_attributes WHERE study_id = %(study_id)s;
DELETE FROM study_system_attributes WHERE study_id = %(study_id)s;
DELETE FROM studies WHERE study_id = %(study_id)s;
