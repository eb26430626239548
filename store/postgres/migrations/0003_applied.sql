-- +goose Up

-- When each migration was applied. It is not known of those before this one.
ALTER TABLE carrierfsm_schema ADD COLUMN applied timestamptz;
ALTER TABLE carrierfsm_schema ALTER COLUMN applied SET DEFAULT now();

INSERT INTO carrierfsm_schema (version) VALUES (3);
