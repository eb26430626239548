-- +goose Up

-- The migrations that were applied.
CREATE TABLE IF NOT EXISTS carrierfsm_schema (version INTEGER NOT NULL PRIMARY KEY) WITHOUT ROWID;

-- Every commit rewrites this row, so it is small: the body is in a table of its
-- own. Times are microseconds since 1970; 0 means never.
CREATE TABLE carrierfsm_verifications (
    id        TEXT    NOT NULL PRIMARY KEY,
    state     TEXT    NOT NULL,
    step      INTEGER NOT NULL,
    version   INTEGER NOT NULL,
    tables    INTEGER NOT NULL,
    source    TEXT    NOT NULL,
    reason    TEXT    NOT NULL,
    in_flight INTEGER NOT NULL,
    due       INTEGER NOT NULL,
    created   INTEGER NOT NULL,
    updated   INTEGER NOT NULL,
    key       TEXT    NOT NULL,
    commit_id BLOB    NOT NULL
) WITHOUT ROWID;

-- For Due. Rows that are never due are not in it.
CREATE INDEX carrierfsm_due ON carrierfsm_verifications (due, id) WHERE due > 0;

-- Only one verification at a time has a key.
CREATE UNIQUE INDEX carrierfsm_key ON carrierfsm_verifications (key) WHERE key <> '';

-- For List, which reads it from the newest on.
CREATE INDEX carrierfsm_created ON carrierfsm_verifications (created, id);

-- For Purge.
CREATE INDEX carrierfsm_ended ON carrierfsm_verifications (updated) WHERE state IN ('done', 'failed');

CREATE TABLE carrierfsm_bodies (
    id   TEXT NOT NULL PRIMARY KEY,
    body BLOB NOT NULL
) WITHOUT ROWID;

-- The history is the outbox. SQLite has one writer at a time, so positions are
-- committed in ascending order. AUTOINCREMENT never uses one twice.
CREATE TABLE carrierfsm_history (
    position INTEGER PRIMARY KEY AUTOINCREMENT,
    id       TEXT    NOT NULL,
    step     INTEGER NOT NULL,
    from_    TEXT    NOT NULL,
    event    TEXT    NOT NULL,
    to_      TEXT    NOT NULL,
    at       INTEGER NOT NULL,
    detail   BLOB
);

CREATE UNIQUE INDEX carrierfsm_history_step ON carrierfsm_history (id, step);

INSERT INTO carrierfsm_schema (version) VALUES (1);
