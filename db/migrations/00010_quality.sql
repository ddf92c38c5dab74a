-- +goose Up

-- How good a picture is and of which kind (imaging/quality); NULL for what nobody
-- has measured (yet). Replicas of the release before write rows without them.

-- A migration that waits for a lock keeps everybody else waiting behind it: it
-- gives up soon, and db.Migrate tries again.
SET LOCAL lock_timeout = '2s';

ALTER TABLE images
    ADD COLUMN sharpness     real,
    ADD COLUMN exposure      real,
    ADD COLUMN contrast      real,
    ADD COLUMN clipped       real,
    ADD COLUMN colourfulness real,
    ADD COLUMN flat          real,
    ADD COLUMN kind          text;
