-- +goose Up

-- The names that the rest of the code uses, a table at a time: replicas of the
-- release before take their locks in other orders. They run on while they are
-- replaced, and find views with the old names, and the columns and the function
-- that they know. A later migration drops these.

-- A migration that waits for a lock keeps everybody else waiting behind it: it
-- gives up soon, and db.Migrate tries again.
SET LOCAL lock_timeout = '2s';

ALTER TABLE links_seen RENAME TO links;
CREATE VIEW links_seen AS SELECT link_id, label, first_used_at, expires_at FROM links;

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
