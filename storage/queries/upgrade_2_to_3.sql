-- Digests of what a study holds. storage/digest_upgrade.py computes them and then makes them NOT NULL.
ALTER TABLE studyhall_studies
    ADD COLUMN key text NOT NULL DEFAULT replace(gen_random_uuid()::text, '-', ''),
    ADD COLUMN folder text,
    ADD COLUMN digest text,
    ADD COLUMN head text,
    ADD COLUMN planned integer NOT NULL DEFAULT 0,
    ADD COLUMN plan numeric NOT NULL DEFAULT 0,
    ADD COLUMN keep_going boolean NOT NULL DEFAULT false,
    ADD COLUMN upgraded integer NOT NULL DEFAULT 0,
    ADD COLUMN copy_of text;
ALTER TABLE studyhall_studies ALTER COLUMN key DROP DEFAULT;
UPDATE studyhall_studies AS ours SET folder = study.study_name FROM studies AS study WHERE study.study_id = ours.study_id;
ALTER TABLE studyhall_studies ALTER COLUMN folder SET NOT NULL;
INSERT INTO study_user_attributes (study_id, key, value_json)
SELECT study_id, 'studyhall', json_build_object('study', study_name, 'key', key)::text
FROM studies JOIN studyhall_studies USING (study_id);
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
-- What Optuna shows of a trial: its metrics and the reason of its failure; of a depth study the distance to its target.
INSERT INTO trial_user_attributes (trial_id, key, value_json)
SELECT trial_id, name, value::text FROM studyhall_metrics WHERE name <> 'reason' AND length(name) <= 512
UNION ALL
SELECT trial_id, 'reason', to_json(reason)::text FROM studyhall_points WHERE reason IS NOT NULL
ON CONFLICT (trial_id, key) DO UPDATE SET value_json = excluded.value_json;
UPDATE trial_values AS kept
SET value = CASE study.origin #>> '{score,direction}' WHEN 'maximize' THEN -1 ELSE 1 END * (
    SELECT min(abs(kept.value - target.value::float8)) FROM json_array_elements_text(
        CASE json_typeof(study.origin #> '{depth,targets}') WHEN 'array' THEN study.origin #> '{depth,targets}'
        ELSE json_build_array(study.origin #> '{depth,targets}') END) AS target (value))
FROM studyhall_points AS point JOIN studyhall_studies AS study USING (study_id)
WHERE kept.trial_id = point.trial_id AND study.search = 'depth';
UPDATE study_system_attributes AS kept
SET value_json = json_build_array((study.origin #>> '{score,metric}') || ': distance to target')::text
FROM studyhall_studies AS study
WHERE kept.study_id = study.study_id AND kept.key = 'study:metric_names' AND study.search = 'depth';
UPDATE studyhall_version SET version = 3;
