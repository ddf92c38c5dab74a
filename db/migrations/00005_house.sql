-- +goose Up

-- The names that the rest of the code uses. Replicas of the release before run on
-- while they are replaced: they find views with the old names, and the columns and
-- the function that they know. A later migration drops these.

ALTER TABLE links_seen RENAME TO links;
CREATE VIEW links_seen AS SELECT link_id, label, first_used_at, expires_at FROM links;

-- Ids whose pictures were merged into others: id stands for image_id.
ALTER TABLE folded RENAME TO merges;
ALTER INDEX folded_image RENAME TO merges_image;
CREATE VIEW folded AS SELECT id, image_id FROM merges;

-- When the link's last file was accepted, NULL if none is left. It is the answer
-- of the uploads (package catalog) to the list of links (package link). The lower
-- bound spares the partitions before it; the margin is for replicas whose clocks
-- differ.
-- +goose StatementBegin
CREATE FUNCTION link_last_use(link text, first_use timestamptz) RETURNS timestamptz
LANGUAGE sql STABLE AS $$
    SELECT uploaded_at FROM uploads
     WHERE link_id = link AND uploaded_at >= first_use - interval '1 day'
     ORDER BY uploaded_at DESC LIMIT 1
$$;
-- +goose StatementEnd

-- The first 64 bits of the picture's perceptual hash: part of its document, which
-- package catalog writes, while package upload/match owns the whole fingerprint.
ALTER TABLE images ADD COLUMN phash bigint;

-- The stored pictures nearest to a hash, of those that share a key with it; at
-- most examined of these are compared. It is a function because the planner must
-- not choose: it takes a look-up by a hundred keys, which gives some hundred rows,
-- for one that gives a hundredth of the table, and would rather read all of that,
-- in parallel, by a program compiled for it. (It replaces lookalikes.)
-- +goose StatementBegin
CREATE FUNCTION match_candidates(in_scope text, keys integer[], wanted bit(256), farthest integer, examined integer, most integer)
RETURNS TABLE (image_id uuid, distance integer, fingerprint bytea)
LANGUAGE plpgsql STABLE ROWS 10
SET enable_seqscan = off SET jit = off SET max_parallel_workers_per_gather = 0 SET plan_cache_mode = force_generic_plan
AS $$
BEGIN
    RETURN QUERY
    SELECT c.image_id, c.distance, c.print
      FROM (SELECT f.image_id, f.print, bit_count(f.hash # wanted)::integer AS distance
              FROM fingerprints f WHERE f.bands && keys AND f.scope = in_scope LIMIT examined) c
     WHERE c.distance <= farthest ORDER BY c.distance, c.image_id LIMIT most;
END $$;
-- +goose StatementEnd

-- Jobs that wait in the queue bear the new names as well. River's tables are not
-- there yet in a new database.
-- +goose StatementBegin
DO $$
BEGIN
    IF to_regclass('river_job') IS NOT NULL THEN
        UPDATE river_job SET kind = 'merge', queue = 'merge' WHERE kind = 'fold' AND state <> 'running';
        UPDATE river_job SET kind = 'settle_recent' WHERE kind = 'settle_alike' AND state <> 'running';
        UPDATE river_job SET kind = 'sweep_contents' WHERE kind = 'sweep_orphans' AND state <> 'running';
    END IF;
END $$;
-- +goose StatementEnd
