-- +goose Up

-- The website that a transition is about, and for how many microseconds the verification
-- had been in the state from_. Builds that don't know these columns leave them empty.
ALTER TABLE carrierfsm_history ADD COLUMN source TEXT NOT NULL DEFAULT '';
ALTER TABLE carrierfsm_history ADD COLUMN dwell INTEGER NOT NULL DEFAULT 0;

-- Counts of transitions: see package figures. A row has those of one website in a step of
-- time, which is so many seconds long. The commit that moves the handler's cursor writes it.
CREATE TABLE carrierfsm_figures (
    handler TEXT    NOT NULL,
    seconds INTEGER NOT NULL,
    start   INTEGER NOT NULL,
    source  TEXT    NOT NULL,
    counts  BLOB    NOT NULL,
    PRIMARY KEY (handler, seconds, start, source)
) WITHOUT ROWID;

INSERT INTO carrierfsm_schema (version, applied) VALUES (6, strftime('%s', 'now') * 1000000);
