-- +goose Up

-- A picture that is kept. scope is '' when uploads of the whole service are
-- compared and the link's id when only uploads through one link are
-- (INLET_DEDUP_SCOPE). The two unique indexes are what makes "one picture, one
-- row" true under any concurrency: whoever loses the insert is a duplicate.
CREATE TABLE images (
    id                 uuid PRIMARY KEY,
    scope              text NOT NULL DEFAULT '',
    sha256             bytea NOT NULL CHECK (octet_length(sha256) = 32),
    payload            bytea CHECK (octet_length(payload) = 32),
    format             text NOT NULL,
    width              integer NOT NULL CHECK (width > 0),
    height             integer NOT NULL CHECK (height > 0),
    frames             integer NOT NULL DEFAULT 1,
    bytes              bigint NOT NULL,
    uploaded_at        timestamptz NOT NULL,
    camera             text,
    make               text,
    model              text,
    lens               text,
    software           text,
    captured_at        timestamptz,
    captured_at_offset text,
    latitude           double precision,
    longitude          double precision,
    altitude           double precision,
    iso                integer,
    f_number           double precision,
    exposure_time      double precision,
    focal_length       double precision,
    orientation        smallint,
    exif               jsonb NOT NULL DEFAULT '{}'
);
CREATE UNIQUE INDEX images_sha256 ON images (scope, sha256);
CREATE UNIQUE INDEX images_payload ON images (scope, payload) WHERE payload IS NOT NULL;
CREATE INDEX images_blob ON images (sha256);
CREATE INDEX images_newest ON images (uploaded_at DESC, id DESC);
CREATE INDEX images_format ON images (format, uploaded_at DESC, id DESC);
CREATE INDEX images_camera ON images (lower(camera), uploaded_at DESC, id DESC) WHERE camera IS NOT NULL;
CREATE INDEX images_place ON images (longitude, latitude) WHERE longitude IS NOT NULL;

-- Bytes that were accepted as a copy of a kept picture without being kept
-- themselves, so that they need neither be sent nor decoded again.
CREATE TABLE aliases (
    scope    text NOT NULL DEFAULT '',
    sha256   bytea NOT NULL CHECK (octet_length(sha256) = 32),
    image_id uuid NOT NULL REFERENCES images ON DELETE CASCADE,
    match    text NOT NULL,
    distance integer,
    PRIMARY KEY (scope, sha256)
);
CREATE INDEX aliases_image ON aliases (image_id);

-- One row per accepted file. The reference to images is what settles a
-- duplicate that races with the deletion of its picture.
CREATE TABLE uploads (
    id          bigint NOT NULL,
    uploaded_at timestamptz NOT NULL,
    image_id    uuid NOT NULL REFERENCES images ON DELETE CASCADE,
    link_id     text NOT NULL,
    status      text NOT NULL CHECK (status IN ('stored', 'duplicate')),
    match       text,
    distance    integer,
    bytes       bigint NOT NULL,
    filename    text,
    client      bytea NOT NULL, -- keyed hash of the client's address, never the address
    PRIMARY KEY (id, uploaded_at)
) PARTITION BY RANGE (uploaded_at);
CREATE SEQUENCE uploads_id OWNED BY uploads.id;
ALTER TABLE uploads ALTER COLUMN id SET DEFAULT nextval('uploads_id');
CREATE TABLE uploads_rest PARTITION OF uploads DEFAULT;
CREATE INDEX uploads_image ON uploads (image_id, uploaded_at);
CREATE INDEX uploads_link ON uploads (link_id, uploaded_at);

-- Refused files of requests whose link was good: only their number is kept.
CREATE TABLE rejections (
    rejected_at timestamptz NOT NULL,
    code        text NOT NULL,
    files       bigint NOT NULL
);
CREATE INDEX rejections_day ON rejections (rejected_at);

-- That a link was used; written once, at its first accepted file.
CREATE TABLE links_seen (
    link_id       text PRIMARY KEY,
    label         text,
    first_used_at timestamptz NOT NULL,
    expires_at    timestamptz NOT NULL
);

-- What links with limits have used up. Links without limits have no row here.
CREATE TABLE link_usage (
    link_id    text PRIMARY KEY,
    files      bigint NOT NULL,
    bytes      bigint NOT NULL,
    expires_at timestamptz NOT NULL
);

CREATE TABLE revoked_links (
    link_id    text PRIMARY KEY,
    seq        bigint GENERATED ALWAYS AS IDENTITY,
    revoked_at timestamptz NOT NULL
);
CREATE INDEX revoked_links_seq ON revoked_links (seq);

-- Which installation this is. A blob store remembers it, so that nothing is
-- swept out of a store by a process that was pointed at another database.
CREATE TABLE installation (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    id       uuid NOT NULL DEFAULT gen_random_uuid()
);
INSERT INTO installation DEFAULT VALUES;

-- Events for the counters, written in the transaction that makes them true and
-- removed when Redis has them.
CREATE TABLE outbox (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    event      jsonb NOT NULL
);

-- Which state of Redis the removed outbox rows are in: Redis with another
-- epoch or a smaller sequence number has lost some and is rebuilt.
CREATE TABLE stats_state (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    epoch    text NOT NULL DEFAULT '',
    seq      bigint NOT NULL DEFAULT 0
);
INSERT INTO stats_state DEFAULT VALUES;

CREATE TABLE labels (
    image_id uuid NOT NULL REFERENCES images ON DELETE CASCADE,
    label    text NOT NULL,
    PRIMARY KEY (image_id, label)
);
CREATE INDEX labels_label ON labels (label);
