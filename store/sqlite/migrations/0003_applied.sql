-- +goose Up

-- When each migration was applied. It is not known of those before this one.
ALTER TABLE carrierfsm_schema ADD COLUMN applied INTEGER NOT NULL DEFAULT 0;

INSERT INTO carrierfsm_schema (version, applied) VALUES (3, strftime('%s', 'now') * 1000000);
