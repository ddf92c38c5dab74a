-- +goose Up

-- The hashes of the pictures that are stored already. It is a migration of its
-- own, so that replicas of the release before serve pictures while it runs: a
-- column is added under a lock that excludes everybody, until the end of the
-- transaction.
UPDATE images SET phash = f.hash::bit(64)::bigint
  FROM fingerprints f WHERE f.image_id = images.id AND images.phash IS NULL;
