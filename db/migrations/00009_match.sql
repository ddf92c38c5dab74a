-- +goose Up

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
        UPDATE river_job SET kind = 'settle_recent', queue = 'upkeep' WHERE kind = 'settle_alike' AND state <> 'running';
        UPDATE river_job SET kind = 'sweep_contents', queue = 'upkeep' WHERE kind = 'sweep_orphans' AND state <> 'running';
    END IF;
END $$;
-- +goose StatementEnd
