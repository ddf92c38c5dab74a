-- +goose NO TRANSACTION
-- +goose Up

-- Counts the labels that changed since a training. An earlier try leaves an invalid
-- index.
DROP INDEX CONCURRENTLY IF EXISTS labels_set_at;
CREATE INDEX CONCURRENTLY labels_set_at ON labels (set_at);
