-- +goose NO TRANSACTION
-- +goose Up

-- The pictures with a flag; most have none and are not in it. Replicas write while it
-- is built, and db.Migrate may try again: an earlier try leaves an invalid index.
DROP INDEX CONCURRENTLY IF EXISTS images_flags;
CREATE INDEX CONCURRENTLY images_flags ON images USING gin (flags) WITH (fastupdate = off) WHERE flags <> '{}';
