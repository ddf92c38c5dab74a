-- +goose NO TRANSACTION
-- +goose Up

-- The hashes of the pictures that are stored already, some thousand rows in a
-- transaction, so that nobody waits for their locks.
-- +goose StatementBegin
DO $$
DECLARE
    last  uuid := '00000000-0000-0000-0000-000000000000';
    batch uuid[];
BEGIN
    LOOP
        SELECT array_agg(image_id ORDER BY image_id) INTO batch
          FROM (SELECT image_id FROM fingerprints WHERE image_id > last ORDER BY image_id LIMIT 2000) AS following;
        EXIT WHEN batch IS NULL;
        UPDATE images SET phash = f.hash::bit(64)::bigint
          FROM fingerprints f WHERE f.image_id = ANY(batch) AND f.image_id = images.id AND images.phash IS NULL;
        COMMIT;
        last := batch[array_length(batch, 1)];
    END LOOP;
END $$;
-- +goose StatementEnd
