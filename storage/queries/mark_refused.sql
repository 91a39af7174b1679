-- Whether an attempt's end had been accepted after all; if not, note that its result was refused.
WITH refused AS (
    UPDATE studyhall_attempts SET refused = true
    WHERE trial_id = %(trial_id)s AND attempt = %(attempt)s AND NOT accepted
)
SELECT accepted FROM studyhall_attempts WHERE trial_id = %(trial_id)s AND attempt = %(attempt)s
