-- +goose Up

-- Which shard of several this database is, if it is one, and in which epoch: see package
-- sharded. It has one row at most.
CREATE TABLE carrierfsm_shard (
    one   integer NOT NULL PRIMARY KEY CHECK (one = 1),
    epoch bigint  NOT NULL,
    name  text    COLLATE "C" NOT NULL,
    slots text    COLLATE "C" NOT NULL
);

INSERT INTO carrierfsm_schema (version) VALUES (7);
