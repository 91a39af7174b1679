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
ALTER TABLE studyhall_points ADD COLUMN digest text, SET (fillfactor = 80);
CREATE INDEX studyhall_points_round ON studyhall_points (study_id, round) WHERE retry_of IS NULL;
ALTER TABLE studyhall_attempts ADD COLUMN digest text;
ALTER TABLE studyhall_decisions ADD COLUMN origin text, ADD COLUMN digest text;
UPDATE studyhall_version SET version = 3;
