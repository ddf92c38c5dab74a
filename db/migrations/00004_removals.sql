-- +goose Up

-- Contents that a blob store was asked to remove, a row for each time: written
-- before it is asked, taken away when it has answered. One that stays says that
-- the store may still carry out what it was asked, so for a while nobody may keep
-- these bytes anew (docs/adr/0010).
CREATE TABLE removals (
    id       bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    sha256   bytea NOT NULL,
    asked_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX removals_sha256 ON removals (sha256);
