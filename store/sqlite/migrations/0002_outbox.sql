-- Which version of this package a file needs at least: a migration that only
-- adds leaves the number as it was, so that older builds go on with the file.
ALTER TABLE carrierfsm_schema ADD COLUMN least INTEGER NOT NULL DEFAULT 1;

-- How far each handler has come along the history, and who leads it. Until is
-- in microseconds since 1970, by the clock of the machine that has the file.
CREATE TABLE carrierfsm_cursors (
    name     TEXT    NOT NULL PRIMARY KEY,
    position INTEGER NOT NULL,
    owner    TEXT    NOT NULL,
    until    INTEGER NOT NULL,
    fence    INTEGER NOT NULL
) WITHOUT ROWID;

-- Verifications that a handler has to catch up with.
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

-- What the leader reads: whose time has come.
CREATE INDEX carrierfsm_parked_next ON carrierfsm_parked (handler, next, id);

-- What Purge deletes by.
CREATE INDEX carrierfsm_parked_id ON carrierfsm_parked (id);
