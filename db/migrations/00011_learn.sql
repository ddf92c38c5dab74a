-- +goose Up

-- What the batch layer learns: package learn/registry owns these tables.

SET LOCAL lock_timeout = '2s';

-- How much has changed since a training tells whether another one is worth it.
ALTER TABLE labels ADD COLUMN set_at timestamptz NOT NULL DEFAULT now();

-- What a picture looks like to a model, in numbers of one byte. vector is NULL where
-- the picture cannot be decoded.
CREATE TABLE features (
    image_id  uuid PRIMARY KEY REFERENCES images ON DELETE CASCADE,
    extractor text NOT NULL, -- the version that made the vector
    vector    bytea,
    sensitive real NOT NULL DEFAULT 0,
    made_at   timestamptz NOT NULL DEFAULT now()
);
-- How many pictures there are to predict for is counted without their vectors.
CREATE INDEX features_extractor ON features (extractor) WHERE vector IS NOT NULL;
-- A vector does not compress.
ALTER TABLE features ALTER COLUMN vector SET STORAGE EXTERNAL;

CREATE TABLE models (
    version    integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    trained_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    extractor  text NOT NULL,
    images     integer NOT NULL, -- on which it was trained
    seed       bigint NOT NULL,
    metrics    jsonb NOT NULL,
    model      bytea NOT NULL,
    promoted   boolean NOT NULL, -- it was served once, or is now
    reason     text NOT NULL,
    serving    boolean NOT NULL DEFAULT false
);
CREATE UNIQUE INDEX models_serving ON models (serving) WHERE serving;

-- The labels that the serving model finds likeliest for a picture, from rank 1 on.
-- uncertainty, of rank 1 alone, is 0 where the model is certain and 1 where it knows
-- nothing.
CREATE TABLE predictions (
    image_id    uuid NOT NULL REFERENCES images ON DELETE CASCADE,
    rank        smallint NOT NULL,
    label       text NOT NULL,
    probability real NOT NULL,
    model       integer NOT NULL,
    uncertainty real,
    PRIMARY KEY (image_id, rank)
);
CREATE INDEX predictions_label ON predictions (label, probability);
-- For the filter predicted, whose condition this is. Without it Postgres reads every
-- picture's likeliest label.
CREATE INDEX predictions_likely ON predictions (label, image_id) WHERE rank = 1 OR probability >= 0.5;
CREATE INDEX predictions_uncertain ON predictions (uncertainty DESC, image_id) WHERE rank = 1;
CREATE INDEX predictions_model ON predictions (model) WHERE rank = 1;

-- The training that was asked for or runs, and when one was last considered. The
-- row is a lease: a holder that stops beating has died, and another one begins anew.
CREATE TABLE training (
    only_row     boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    request      uuid, -- NULL: none is asked for
    requested_at timestamptz,
    attempts     integer NOT NULL DEFAULT 0,
    holder       uuid,
    started_at   timestamptz,
    beat_at      timestamptz,
    stage        text NOT NULL DEFAULT '',
    progress     real NOT NULL DEFAULT 0,
    considered_at timestamptz NOT NULL DEFAULT now(),
    -- The labels as the last training read them: when, and how many.
    labels_at    timestamptz NOT NULL DEFAULT '-infinity',
    labels_read  bigint NOT NULL DEFAULT 0,
    -- The last training: its outcome, for people, and the model that it stored.
    ended_at      timestamptz,
    ended_request uuid,
    ended_model   integer,
    outcome       text NOT NULL DEFAULT ''
);
INSERT INTO training DEFAULT VALUES;

-- How far the features of stored pictures have been made anew: of which version, back
-- to which picture. The newest come first.
CREATE TABLE backfill (
    only_row  boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    extractor text NOT NULL DEFAULT '',
    before    uuid, -- NULL: all pictures
    ended_at  timestamptz -- NULL: it goes on
);
INSERT INTO backfill DEFAULT VALUES;
