-- Digests of what a study holds. storage/digest_upgrade.py computes them and then makes them NOT NULL.
ALTER TABLE studyhall_studies
    ADD COLUMN key text NOT NULL DEFAULT replace(gen_random_uuid()::text, '-', ''),
    ADD COLUMN digest text,
    ADD COLUMN head text,
    ADD COLUMN planned integer NOT NULL DEFAULT 0,
    ADD COLUMN plan numeric NOT NULL DEFAULT 0,
    ADD COLUMN keep_going boolean NOT NULL DEFAULT false,
    ADD COLUMN upgraded integer NOT NULL DEFAULT 0;
ALTER TABLE studyhall_studies ALTER COLUMN key DROP DEFAULT;
ALTER TABLE studyhall_points ADD COLUMN digest text,
    ADD COLUMN set_aside text CHECK (set_aside IN ('redone', 'dropped')), SET (fillfactor = 80);
CREATE INDEX studyhall_points_dropped ON studyhall_points (study_id, hash) WHERE set_aside = 'dropped';
CREATE INDEX studyhall_points_round ON studyhall_points (study_id, round) WHERE retry_of IS NULL;
ALTER TABLE studyhall_attempts ADD COLUMN digest text, ADD COLUMN code text;
-- Versions of the user's code; what ran before is not known.
CREATE TABLE studyhall_codes (
    study_id integer NOT NULL REFERENCES studyhall_studies ON DELETE CASCADE,
    version text NOT NULL,
    details json NOT NULL,
    seen_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (study_id, version)
);
ALTER TABLE studyhall_decisions ADD COLUMN origin text, ADD COLUMN digest text;
-- The trials that other Optuna programs took while nothing kept them from it.
ALTER TABLE studyhall_points DROP CONSTRAINT studyhall_points_failure_check;
ALTER TABLE studyhall_points
    ADD CONSTRAINT studyhall_points_failure_check CHECK (failure IN ('refused', 'withdrawn', 'failed', 'taken'));
UPDATE studyhall_points AS point SET failure = NULL
FROM trials AS trial
WHERE trial.trial_id = point.trial_id AND trial.state = 'FAIL' AND point.reason IS NULL
  AND NOT EXISTS (SELECT FROM studyhall_attempts AS attempt WHERE attempt.trial_id = point.trial_id AND attempt.accepted);
UPDATE studyhall_version SET version = 3;
