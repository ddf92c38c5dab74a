-- +goose Up

-- Ids whose pictures were merged into others: id stands for image_id. The view is
-- for replicas of the release before.

SET LOCAL lock_timeout = '2s';

ALTER TABLE folded RENAME TO merges;
ALTER INDEX folded_image RENAME TO merges_image;
CREATE VIEW folded AS SELECT id, image_id FROM merges;
