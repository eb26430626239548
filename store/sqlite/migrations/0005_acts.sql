-- +goose Up

-- What operators did and looked at: see package acts. A row is inserted before the act, and
-- outcome, count and ended are written once, after it. Times are by the clock of the
-- machine that has the file. Nothing refers to the verification, which may be purged.
CREATE TABLE carrierfsm_acts (
    id           TEXT    NOT NULL PRIMARY KEY,
    at           INTEGER NOT NULL,
    ended        INTEGER NOT NULL,
    operator     TEXT    NOT NULL,
    kind         TEXT    NOT NULL,
    verification TEXT    NOT NULL,
    handler      TEXT    NOT NULL,
    step         INTEGER NOT NULL,
    count        INTEGER NOT NULL,
    reason       TEXT    NOT NULL,
    outcome      TEXT    NOT NULL
) WITHOUT ROWID;

-- For Acts, which reads it from the newest on, and for PurgeActs.
CREATE INDEX carrierfsm_acts_at ON carrierfsm_acts (at, id);

-- For the acts of one verification.
CREATE INDEX carrierfsm_acts_verification ON carrierfsm_acts (verification, at, id) WHERE verification <> '';

-- What a handler failed with, sealed as a detail is; NULL where it is not known. Builds
-- that do not know the column leave it as it is.
ALTER TABLE carrierfsm_parked ADD COLUMN error BLOB;

INSERT INTO carrierfsm_schema (version, applied) VALUES (5, strftime('%s', 'now') * 1000000);
