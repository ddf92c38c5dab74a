-- +goose Up

-- Contents that a blob store was asked to remove, a row for each time: written
-- before it is asked, taken away when it has answered. One that stays says that
-- the store may still carry out what it was asked: until then nobody may keep
-- these bytes anew. No server does so after an hour, four times what a signature
-- is good for (docs/adr/0010).
CREATE TABLE removals (
    id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    sha256       bytea NOT NULL,
    counts_until timestamptz NOT NULL DEFAULT now() + interval '1 hour'
);
CREATE INDEX removals_sha256 ON removals (sha256);
