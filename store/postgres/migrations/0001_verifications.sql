-- One wide row: unlike in SQLite, a body beside it would be a second update of
-- each commit, and what is too large for a page PostgreSQL moves out by itself.
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

-- What Due reads: only what will ever be due. Every commit writes here and to
-- the next one, so they are small: of the few rows of one moment the server
-- sorts the ids.
CREATE INDEX carrierfsm_due ON carrierfsm_verifications (due) WHERE due IS NOT NULL;

-- One live verification a key.
CREATE UNIQUE INDEX carrierfsm_key ON carrierfsm_verifications (key) WHERE key <> '';

-- What List reads, newest first.
CREATE INDEX carrierfsm_created ON carrierfsm_verifications (created);

-- What Purge reads.
CREATE INDEX carrierfsm_ended ON carrierfsm_verifications (updated) WHERE state IN ('done', 'failed');

-- Places in the outbox. CACHE 1: a session that kept numbers for later would
-- give a later step an earlier place.
CREATE SEQUENCE carrierfsm_position AS bigint CACHE 1;

-- The history is the outbox. A place is drawn after the record was written, so
-- that whoever holds a place has a transaction id, and a step has a later place
-- than the step before it.
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

-- What History reads, a few rows that the server sorts. Without the step the
-- rows of one id share an entry of the index. That no step is there twice the
-- version check of the record sees to.
CREATE INDEX carrierfsm_history_id ON carrierfsm_history (id);
