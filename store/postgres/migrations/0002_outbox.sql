-- +goose Up

-- The position of each handler, and its lease. The handler has passed all entries
-- up to position, except those in the gaps. A gap is from low to high; it is closed
-- when every transaction below its bound has ended. No new entry will be committed
-- up to settled, and, when every transaction below bound has ended, up to
-- candidate. See gaps.go.
CREATE TABLE carrierfsm_cursors (
    until     timestamptz NOT NULL,
    fence     bigint      NOT NULL,
    position  bigint      NOT NULL,
    settled   bigint      NOT NULL,
    candidate bigint      NOT NULL,
    bound     bigint      NOT NULL,
    name      text        COLLATE "C" NOT NULL PRIMARY KEY,
    owner     text        COLLATE "C" NOT NULL,
    lows      bigint[]    NOT NULL,
    highs     bigint[]    NOT NULL,
    bounds    bigint[]    NOT NULL
) WITH (fillfactor = 50);

-- Verifications at which a handler failed.
CREATE TABLE carrierfsm_parked (
    since    timestamptz NOT NULL,
    next     timestamptz NOT NULL,
    version  bigint      NOT NULL,
    step     integer     NOT NULL,
    upto     integer     NOT NULL,
    attempts integer     NOT NULL,
    handler  text        COLLATE "C" NOT NULL,
    id       text        COLLATE "C" NOT NULL,
    why      text        COLLATE "C" NOT NULL,
    PRIMARY KEY (handler, id)
);

-- For the lease holder: the rows whose next try is due.
CREATE INDEX carrierfsm_parked_next ON carrierfsm_parked (handler, next, id);

-- For Purge.
CREATE INDEX carrierfsm_parked_id ON carrierfsm_parked (id);

INSERT INTO carrierfsm_schema (version) VALUES (2);
