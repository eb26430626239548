-- +goose Up

-- What is counted for phone numbers: see package budget. The key is a keyed hash of the
-- number. Each stamp is the time at which its kind was spent. After expires none of them
-- counts. The commit that spends writes the row, so it has room for its next version.
CREATE TABLE carrierfsm_ledgers (
    expires timestamptz   NOT NULL,
    key     text          COLLATE "C" NOT NULL PRIMARY KEY,
    kinds   text[]        COLLATE "C" NOT NULL,
    stamps  timestamptz[] NOT NULL
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.05);

-- For PurgeLedgers. expires changes once an hour at most.
CREATE INDEX carrierfsm_ledgers_expires ON carrierfsm_ledgers (expires);

INSERT INTO carrierfsm_schema (version) VALUES (4);
