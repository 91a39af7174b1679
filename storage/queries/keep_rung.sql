-- What Optuna's successive halving wants to remember of a running trial.
INSERT INTO trial_system_attributes (trial_id, key, value_json)
SELECT %(trial_id)s, %(key)s, %(value)s
WHERE EXISTS (SELECT FROM trials WHERE trial_id = %(trial_id)s AND state = 'RUNNING')
ON CONFLICT (trial_id, key) DO NOTHING
