-- +goose Up

-- What operators did and looked at: see package acts. A row is inserted before the act, and
-- outcome, count and ended are written once, after it. Times are by the server's clock.
-- Nothing refers to the verification, which may be purged.
CREATE TABLE carrierfsm_acts (
    at           timestamptz NOT NULL,
    ended        timestamptz,
    step         integer     NOT NULL,
    count        integer     NOT NULL,
    id           text        COLLATE "C" NOT NULL PRIMARY KEY,
    operator     text        COLLATE "C" NOT NULL,
    kind         text        COLLATE "C" NOT NULL,
    verification text        COLLATE "C" NOT NULL,
    handler      text        COLLATE "C" NOT NULL,
    reason       text        COLLATE "C" NOT NULL,
    outcome      text        COLLATE "C" NOT NULL
);

-- For Acts, which reads it from the newest on, and for PurgeActs.
CREATE INDEX carrierfsm_acts_at ON carrierfsm_acts (at, id);

-- For the acts of one verification.
CREATE INDEX carrierfsm_acts_verification ON carrierfsm_acts (verification, at, id) WHERE verification <> '';

-- What a handler failed with, sealed as a detail is; NULL where it is not known. Builds
-- that do not know the column leave it as it is.
ALTER TABLE carrierfsm_parked ADD COLUMN error bytea;

INSERT INTO carrierfsm_schema (version) VALUES (5);
