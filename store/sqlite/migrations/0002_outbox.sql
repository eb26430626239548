-- +goose Up

-- The lowest version that a build must know to work with the tables. A migration
-- that only adds something keeps the number, so that older builds still work.
ALTER TABLE carrierfsm_schema ADD COLUMN least INTEGER NOT NULL DEFAULT 1;

-- The position of each handler in the history, and its lease. Times are by the
-- clock of the machine that has the file.
CREATE TABLE carrierfsm_cursors (
    name     TEXT    NOT NULL PRIMARY KEY,
    position INTEGER NOT NULL,
    owner    TEXT    NOT NULL,
    until    INTEGER NOT NULL,
    fence    INTEGER NOT NULL
) WITHOUT ROWID;

-- Verifications at which a handler failed.
CREATE TABLE carrierfsm_parked (
    handler  TEXT    NOT NULL,
    id       TEXT    NOT NULL,
    step     INTEGER NOT NULL,
    upto     INTEGER NOT NULL,
    attempts INTEGER NOT NULL,
    why      TEXT    NOT NULL,
    since    INTEGER NOT NULL,
    next     INTEGER NOT NULL,
    version  INTEGER NOT NULL,
    PRIMARY KEY (handler, id)
) WITHOUT ROWID;

-- For the lease holder: the rows whose next try is due.
CREATE INDEX carrierfsm_parked_next ON carrierfsm_parked (handler, next, id);

-- For Purge.
CREATE INDEX carrierfsm_parked_id ON carrierfsm_parked (id);

INSERT INTO carrierfsm_schema (version) VALUES (2);
