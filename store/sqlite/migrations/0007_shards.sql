-- +goose Up

-- Which shard of several this file is, if it is one, and in which epoch: see package
-- sharded. It has one row at most.
CREATE TABLE carrierfsm_shard (
    one   INTEGER NOT NULL PRIMARY KEY CHECK (one = 1),
    epoch INTEGER NOT NULL,
    name  TEXT    NOT NULL,
    slots TEXT    NOT NULL
);

INSERT INTO carrierfsm_schema (version, applied) VALUES (7, strftime('%s', 'now') * 1000000);
