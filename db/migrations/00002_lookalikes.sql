-- +goose Up

-- What pictures look like (imaging/fingerprint), by which copies are found. A
-- picture with too little in it to be told from others, or one that is not
-- decoded yet, has no row.
CREATE TABLE fingerprints (
    image_id uuid PRIMARY KEY REFERENCES images ON DELETE CASCADE,
    scope    text NOT NULL,
    hash     bit(256) NOT NULL,
    bands    integer[] NOT NULL,
    print    bytea NOT NULL
);
-- It is looked at for candidates alone, and does not compress.
ALTER TABLE fingerprints ALTER COLUMN print SET STORAGE EXTERNAL;
-- Without a pending list: it would be read by every look-up.
CREATE INDEX fingerprints_bands ON fingerprints USING gin (bands) WITH (fastupdate = off);
-- Nothing that is known of common bands helps to plan a look-up.
ALTER TABLE fingerprints ALTER COLUMN bands SET STATISTICS 0;

-- The pictures nearest to a hash, of those that share a key with it; at most
-- examined of these are compared. It is a function because the planner must not
-- choose: it takes a look-up by a hundred keys, which gives some hundred rows, for
-- one that gives a hundredth of the table, and would rather read all of that, in
-- parallel, by a program compiled for it.
-- +goose StatementBegin
CREATE FUNCTION lookalikes(in_scope text, keys integer[], looked_for bit(256), farthest integer, examined integer, most integer)
RETURNS TABLE (id uuid, bits integer, look bytea)
LANGUAGE plpgsql STABLE ROWS 10
SET enable_seqscan = off SET jit = off SET max_parallel_workers_per_gather = 0 SET plan_cache_mode = force_generic_plan
AS $$
BEGIN
    RETURN QUERY
    SELECT near.image_id, near.distance, near.print
      FROM (SELECT f.image_id, f.print, bit_count(f.hash # looked_for)::integer AS distance
              FROM fingerprints f WHERE f.bands && keys AND f.scope = in_scope LIMIT examined) near
     WHERE near.distance <= farthest ORDER BY near.distance, near.image_id LIMIT most;
END $$;
-- +goose StatementEnd

-- Pictures that were stored a moment ago. Two copies that are uploaded at once do
-- not see each other in fingerprints; here they are found afterwards. seen is the
-- oldest transaction that the look-up for candidates may have missed, written the
-- one that stored the picture.
CREATE TABLE recent (
    image_id uuid PRIMARY KEY REFERENCES images ON DELETE CASCADE,
    scope    text NOT NULL,
    hash     bit(256) NOT NULL,
    bands    integer[] NOT NULL,
    probes   integer[] NOT NULL,
    seen     xid8 NOT NULL,
    written  xid8 NOT NULL DEFAULT pg_current_xact_id(),
    at       timestamptz NOT NULL DEFAULT clock_timestamp(),
    settled  boolean NOT NULL DEFAULT false
);
CREATE INDEX recent_written ON recent (written);
CREATE INDEX recent_settled ON recent (settled, at);

-- Pictures that look alike and are no copies; each pair is here both ways.
CREATE TABLE near (
    image_id uuid NOT NULL REFERENCES images ON DELETE CASCADE,
    other_id uuid NOT NULL REFERENCES images ON DELETE CASCADE,
    distance integer NOT NULL,
    PRIMARY KEY (image_id, other_id)
);
-- Pages of one form may be near to a hundred thousand others: the nearest are read.
CREATE INDEX near_other ON near (other_id, distance, image_id);

-- Ids of pictures that were found to be copies only after they had been stored,
-- and the picture that is kept.
CREATE TABLE folded (
    id       uuid PRIMARY KEY,
    image_id uuid NOT NULL REFERENCES images ON DELETE CASCADE
);
CREATE INDEX folded_image ON folded (image_id);

-- What is wrong with the picture, by name: 'undecodable'.
ALTER TABLE images ADD COLUMN flags text[] NOT NULL DEFAULT '{}';

-- How long an animation runs once; 0 for stills.
ALTER TABLE images ADD COLUMN duration_ms bigint NOT NULL DEFAULT 0;
