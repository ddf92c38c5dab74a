-- +goose Up

-- Uploads in pieces (package resume). A session's bytes lie with the blobs, under
-- stored_as, until the file has gone through the pipeline; result is what became
-- of it, and is kept until expires_at. Exactly one request at a time writes to a
-- session: the one whose holder is here, until held_until. wanted asks it to make
-- room.
CREATE TABLE upload_sessions (
    id         text PRIMARY KEY,
    stored_as  text NOT NULL,
    link_id    text NOT NULL,
    size       bigint NOT NULL CHECK (size >= 0),
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    holder     text,
    held_until timestamptz,
    wanted     boolean NOT NULL DEFAULT false,
    result     json
);
CREATE INDEX upload_sessions_unfinished ON upload_sessions (link_id) WHERE result IS NULL;
CREATE INDEX upload_sessions_stored ON upload_sessions (stored_as) WHERE result IS NULL;
CREATE INDEX upload_sessions_expired ON upload_sessions (expires_at);
