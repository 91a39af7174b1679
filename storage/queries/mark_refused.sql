-- Whether an attempt's end was accepted before; if not, store that its result was refused.
WITH refused AS (
    UPDATE studyhall_attempts SET refused = true
    WHERE trial_id = %(trial_id)s AND attempt = %(attempt)s AND NOT accepted
)
SELECT accepted FROM studyhall_attempts WHERE trial_id = %(trial_id)s AND attempt = %(attempt)s
