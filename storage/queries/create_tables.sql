-- Studyhall's tables beside Optuna's, and two indexes on Optuna's trials. No trial is deleted, no finished one changed.
CREATE TABLE studyhall_version (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    version integer NOT NULL
);

CREATE TABLE studyhall_studies (
    study_id integer PRIMARY KEY REFERENCES studies ON DELETE CASCADE,
    key text NOT NULL,                       -- the study in its digests: stays when it is renamed or moved
    folder text NOT NULL,                    -- of its trials' files on every host: the study's first name
    search text NOT NULL,
    origin json NOT NULL,                    -- the definition at the search's start: never changed
    definition json NOT NULL,                -- the file's definition in force now; json, not jsonb: the order of keys breaks ties
    definitions text[] NOT NULL,             -- hashes of every definition that was in force, oldest first
    fingerprint json NOT NULL,               -- of the data, by name: a worker with other data is refused
    code json NOT NULL,                      -- the objective's repository: commit, and what was changed since
    metrics text[] NOT NULL,                 -- metrics that the objective declares; empty: it declares none
    steps integer,                           -- the budget, shared by all workers; null: the definition's own
    max_trials integer,                      -- trials from this number on are not started
    deadline timestamptz,                    -- no trial starts after this
    keep_going boolean NOT NULL DEFAULT false, -- `run --keep-going`: first trials that fail alike do not stop it
    draining boolean NOT NULL DEFAULT false, -- `stop`: workers finish their running trials and leave
    outcome text,                            -- why the search ended; null while it goes on
    outcome_kind text CHECK (outcome_kind IN ('answered', 'stalled', 'steps', 'failed', 'alike')),
    failed boolean NOT NULL DEFAULT false,
    digest text NOT NULL,                    -- of what the search starts from: storage/digests.py
    head text,                               -- the last decision's digest
    planned integer NOT NULL DEFAULT 0,      -- how many points there are
    plan numeric NOT NULL DEFAULT 0,         -- the sum of their shares: a point that is added or taken away changes it
    upgraded integer NOT NULL DEFAULT 0,     -- results whose digests `storage upgrade` computed
    copy_of text,                            -- the seal of the study that it was copied from
    created_at timestamptz NOT NULL DEFAULT clock_timestamp()
);

CREATE TABLE studyhall_workers (
    worker_id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    study_id integer NOT NULL REFERENCES studyhall_studies ON DELETE CASCADE,
    host text NOT NULL,
    pid integer NOT NULL,
    account text NOT NULL,
    slots text[] NOT NULL,
    versions json NOT NULL,                  -- of the code and of the libraries that matter
    started_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    ended_at timestamptz                     -- null and its advisory lock free: it was killed
);
CREATE INDEX ON studyhall_workers (study_id);

CREATE TABLE studyhall_codes (
    study_id integer NOT NULL REFERENCES studyhall_studies ON DELETE CASCADE,
    version text NOT NULL,                   -- of the user's code: studies/definition/user_code.py
    details json NOT NULL,                   -- what the version is taken over, and its repository
    seen_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (study_id, version)
);

CREATE TABLE studyhall_points (
    trial_id integer PRIMARY KEY REFERENCES trials ON DELETE CASCADE,
    study_id integer NOT NULL REFERENCES studyhall_studies ON DELETE CASCADE,
    hash text NOT NULL,
    config json NOT NULL,
    seed bigint NOT NULL,
    role json NOT NULL,
    round integer NOT NULL,                  -- next decision's number when planned; -1: enqueued by another program; -2: speculative
    attempt integer NOT NULL DEFAULT 0,      -- the fence: only this attempt's result is accepted
    reason text,                             -- why it failed or was withdrawn
    failure text CHECK (failure IN ('refused', 'withdrawn', 'failed', 'taken')), -- the kind of FAIL; `taken` in any state
    retry_of integer REFERENCES trials ON DELETE SET NULL,
    retired boolean NOT NULL DEFAULT false,  -- retried, withdrawn, taken or set aside
    set_aside text CHECK (set_aside IN ('redone', 'dropped')), -- a finished result that counts no more
    digest text NOT NULL,                    -- of the point as it was planned
    planned_at timestamptz NOT NULL DEFAULT clock_timestamp()
) WITH (fillfactor = 80);                     -- a claim changes its row in place: no index is touched
-- A point exists once per study.
CREATE UNIQUE INDEX studyhall_points_once ON studyhall_points (study_id, hash) WHERE NOT retired;
-- A point that was dropped is not planned again.
CREATE INDEX studyhall_points_dropped ON studyhall_points (study_id, hash) WHERE set_aside = 'dropped';
CREATE INDEX ON studyhall_points (retry_of) WHERE retry_of IS NOT NULL;
-- What a decision planned, without going through the study.
CREATE INDEX studyhall_points_round ON studyhall_points (study_id, round) WHERE retry_of IS NULL;

CREATE TABLE studyhall_attempts (
    trial_id integer NOT NULL REFERENCES studyhall_points ON DELETE CASCADE,
    attempt integer NOT NULL,
    worker_id integer REFERENCES studyhall_workers ON DELETE SET NULL,
    slot text NOT NULL,
    started_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    ended_at timestamptz,
    outcome text,                            -- objectives/outcome.py's kinds, or `lost`; null while it runs
    message text NOT NULL DEFAULT '',
    tail text NOT NULL DEFAULT '',           -- the log's last lines, of an attempt that failed
    accepted boolean NOT NULL DEFAULT false, -- this attempt ended the trial
    refused boolean NOT NULL DEFAULT false,  -- its result was refused: another attempt held the trial
    code text,                               -- version of the user's code that it ran; null: not recorded
    digest text,                             -- of the accepted result
    PRIMARY KEY (trial_id, attempt)
);
-- A result is accepted once.
CREATE UNIQUE INDEX studyhall_attempts_once ON studyhall_attempts (trial_id) WHERE accepted;
CREATE INDEX ON studyhall_attempts (worker_id);

CREATE TABLE studyhall_metrics (
    trial_id integer NOT NULL REFERENCES studyhall_points ON DELETE CASCADE,
    name text NOT NULL,
    value double precision NOT NULL,
    PRIMARY KEY (trial_id, name)
);

CREATE TABLE studyhall_reports (
    trial_id integer NOT NULL REFERENCES studyhall_points ON DELETE CASCADE,
    step integer NOT NULL,
    attempt integer NOT NULL,
    names text[] NOT NULL,
    figures double precision[] NOT NULL,
    reported_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (trial_id, step)
);

CREATE TABLE studyhall_decisions (
    study_id integer NOT NULL REFERENCES studyhall_studies ON DELETE CASCADE,
    number integer NOT NULL,
    kind text NOT NULL,
    record json NOT NULL,                    -- everything that it was made from
    state json NOT NULL,                     -- the search's state after it
    trials integer[] NOT NULL,               -- the trials whose results it was made from
    definition text NOT NULL,                -- hash of the definition in force
    code text NOT NULL,                      -- version of the code that made it
    origin text NOT NULL,                    -- the study's `digest` as it was then
    digest text NOT NULL,                    -- of all of it, the results it was made from and the decision before it
    decided_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (study_id, number)
);

-- The queue and what runs: as large as the open work, not as the study.
CREATE INDEX IF NOT EXISTS studyhall_open ON trials (study_id, number) WHERE state IN ('WAITING', 'RUNNING');
-- The next number, and a trial by its number, without counting.
CREATE INDEX IF NOT EXISTS studyhall_numbers ON trials (study_id, number);

INSERT INTO studyhall_version (version) VALUES (%(version)s);
