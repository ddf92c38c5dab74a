-- +goose Up

-- The first 64 bits of the picture's perceptual hash: part of its document, which
-- package catalog writes, while package upload/match owns the whole fingerprint.

SET LOCAL lock_timeout = '2s';

ALTER TABLE images ADD COLUMN phash bigint;

-- For pictures that replicas of the release before store while they are replaced.
-- A later migration drops it.
-- +goose StatementBegin
CREATE FUNCTION fill_phash() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE images SET phash = NEW.hash::bit(64)::bigint WHERE id = NEW.image_id AND phash IS NULL;
    RETURN NULL;
END $$;
-- +goose StatementEnd
CREATE TRIGGER fill_phash AFTER INSERT ON fingerprints FOR EACH ROW EXECUTE FUNCTION fill_phash();
