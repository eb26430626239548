-- +goose Up

-- The website that a transition is about, and for how many microseconds the verification
-- had been in the state from_. Builds that don't know these columns leave them empty. A
-- constant default rewrites no row.
ALTER TABLE carrierfsm_history
    ADD COLUMN dwell  bigint NOT NULL DEFAULT 0,
    ADD COLUMN source text   COLLATE "C" NOT NULL DEFAULT '';

-- Counts of transitions: see package figures. A row has those of one website in a step of
-- time, which is so many seconds long. The commit that moves the handler's cursor writes
-- it, so it has room for its next versions.
CREATE TABLE carrierfsm_figures (
    start   timestamptz NOT NULL,
    seconds integer     NOT NULL,
    handler text        COLLATE "C" NOT NULL,
    source  text        COLLATE "C" NOT NULL,
    counts  bytea       NOT NULL,
    PRIMARY KEY (handler, seconds, start, source)
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.05);

INSERT INTO carrierfsm_schema (version) VALUES (6);
