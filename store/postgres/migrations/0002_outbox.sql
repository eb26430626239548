-- How far each handler has come, and who leads it. The places up to position
-- are passed, but for those in holes: from low to high, given up once every
-- transaction before bound has ended. Up to settled there will be no new entry;
-- up to candidate neither, once every transaction before bound has ended.
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

-- Verifications that a handler has to catch up with.
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

-- What the leader reads: whose time has come.
CREATE INDEX carrierfsm_parked_next ON carrierfsm_parked (handler, next, id);

-- What Purge deletes by.
CREATE INDEX carrierfsm_parked_id ON carrierfsm_parked (id);
