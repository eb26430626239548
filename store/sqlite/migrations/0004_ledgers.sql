-- +goose Up

-- What is counted for phone numbers: see package budget. The key is a keyed hash of the
-- number. The stamps are what was spent and when, such as a0t5107: an application, and a
-- text 5,107 microseconds later (see stamps.go). After expires none of them counts.
CREATE TABLE carrierfsm_ledgers (
    key     TEXT    NOT NULL PRIMARY KEY,
    expires INTEGER NOT NULL,
    stamps  TEXT    NOT NULL
) WITHOUT ROWID;

-- For PurgeLedgers.
CREATE INDEX carrierfsm_ledgers_expired ON carrierfsm_ledgers (expires);

INSERT INTO carrierfsm_schema (version, applied) VALUES (4, strftime('%s', 'now') * 1000000);
