-- +goose Up

-- The migrations that were applied. least is the lowest version that a build must
-- know to work with the tables. A migration that only adds something keeps the
-- number, so that older builds still work.
CREATE TABLE IF NOT EXISTS carrierfsm_schema (
    version integer NOT NULL PRIMARY KEY,
    least   integer NOT NULL DEFAULT 1
);

-- One wide row: a body in a table of its own, as in SQLite, would need a second
-- update in each commit. PostgreSQL itself moves large values out of the row.
-- Ids are compared by their bytes, whatever the database's locale.
CREATE TABLE carrierfsm_verifications (
    due       timestamptz,
    created   timestamptz NOT NULL,
    updated   timestamptz NOT NULL,
    version   bigint      NOT NULL,
    step      integer     NOT NULL,
    tables    integer     NOT NULL,
    in_flight boolean     NOT NULL,
    commit_id bytea       NOT NULL,
    id        text        COLLATE "C" NOT NULL PRIMARY KEY,
    state     text        COLLATE "C" NOT NULL,
    source    text        COLLATE "C" NOT NULL,
    reason    text        COLLATE "C" NOT NULL,
    key       text        COLLATE "C" NOT NULL,
    body      bytea       NOT NULL
) WITH (autovacuum_vacuum_scale_factor = 0.05);

-- For Due. Rows that are never due are not in it. Every commit writes to this
-- index and to carrierfsm_created, so they are small: they have no ids, and the
-- server sorts the few rows with the same time.
CREATE INDEX carrierfsm_due ON carrierfsm_verifications (due) WHERE due IS NOT NULL;

-- Only one verification at a time has a key.
CREATE UNIQUE INDEX carrierfsm_key ON carrierfsm_verifications (key) WHERE key <> '';

-- For List, which reads it from the newest on.
CREATE INDEX carrierfsm_created ON carrierfsm_verifications (created);

-- For Purge.
CREATE INDEX carrierfsm_ended ON carrierfsm_verifications (updated) WHERE state IN ('done', 'failed');

-- Positions in the outbox. CACHE 1: a session that cached positions would give a
-- later step a lower position.
CREATE SEQUENCE carrierfsm_position AS bigint CACHE 1;

-- The history is the outbox. A position is drawn after the record was written.
-- So each transaction that has drawn a position has an id, and each step has a
-- higher position than the step before it.
CREATE TABLE carrierfsm_history (
    position bigint      NOT NULL DEFAULT nextval('carrierfsm_position') PRIMARY KEY,
    at       timestamptz NOT NULL,
    step     integer     NOT NULL,
    id       text        COLLATE "C" NOT NULL,
    from_    text        COLLATE "C" NOT NULL,
    event    text        COLLATE "C" NOT NULL,
    to_      text        COLLATE "C" NOT NULL,
    detail   bytea
);

-- For History; the server sorts the few rows of an id. The step is not in the
-- index, so that the rows of one id share an index entry. The version check of the
-- record prevents that a step is inserted twice.
CREATE INDEX carrierfsm_history_id ON carrierfsm_history (id);

INSERT INTO carrierfsm_schema (version) VALUES (1);
