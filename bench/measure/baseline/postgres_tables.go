package baseline

// The fastest known layout: one wide row, and the history as the outbox, with the
// indexes that the engine's queries need.
const postgresTables = `
CREATE TABLE wide (
	due timestamptz, created timestamptz NOT NULL, updated timestamptz NOT NULL, version bigint NOT NULL, step integer NOT NULL,
	tables integer NOT NULL, in_flight boolean NOT NULL, commit_id bytea NOT NULL, id text COLLATE "C" NOT NULL PRIMARY KEY,
	state text COLLATE "C" NOT NULL, source text COLLATE "C" NOT NULL, reason text COLLATE "C" NOT NULL, key text COLLATE "C" NOT NULL,
	body bytea NOT NULL);
CREATE INDEX wide_due ON wide (due) WHERE due IS NOT NULL;
CREATE UNIQUE INDEX wide_key ON wide (key) WHERE key <> '';
CREATE INDEX wide_created ON wide (created);
CREATE INDEX wide_ended ON wide (updated) WHERE state IN ('done', 'failed');
CREATE SEQUENCE history_position AS bigint CACHE 1;
CREATE TABLE history (
	position bigint NOT NULL DEFAULT nextval('history_position') PRIMARY KEY, at timestamptz NOT NULL, step integer NOT NULL,
	id text COLLATE "C" NOT NULL, from_ text COLLATE "C" NOT NULL, event text COLLATE "C" NOT NULL, to_ text COLLATE "C" NOT NULL, detail bytea);
CREATE INDEX history_id ON history (id);`

const pgColumns = `(id, version, step, tables, in_flight, due, created, updated, commit_id, state, source, reason, key, body)`

const pgInsert = `INSERT INTO wide ` + pgColumns + ` VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)`

const pgUpdate = `UPDATE wide SET version = $2, step = $3, tables = $4, in_flight = $5, due = $6, updated = $7,
	commit_id = $8, state = $9, source = $10, reason = $11, key = $12, body = $13 WHERE id = $1 AND version = $2 - 1`

const pgUpdateOne = `WITH done AS (` + pgUpdate + ` RETURNING 1)
	INSERT INTO history (id, step, from_, event, to_, at, detail)
	SELECT $1, $14::integer, $15, $16, $17, $18::timestamptz, $19::bytea FROM done`

const pgUpdateSeveral = `WITH done AS (` + pgUpdate + ` RETURNING 1)
	INSERT INTO history (id, step, from_, event, to_, at, detail)
	SELECT $1, e.* FROM done, unnest($14::integer[], $15::text[], $16::text[], $17::text[], $18::timestamptz[], $19::bytea[]) AS e`

const pgArrays = `unnest($1::text[], $2::bigint[], $3::integer[], $4::integer[], $5::boolean[], $6::timestamptz[], $7::timestamptz[],
	$8::timestamptz[], $9::bytea[], $10::text[], $11::text[], $12::text[], $13::text[], $14::bytea[])`

// pgFewRows makes the planner expect few rows and use the index. Without it a plan
// that was made while the table was small stays in use.
const pgFewRows = ` WITH ORDINALITY AS i (id, version, step, tables, in_flight, due, created, updated, commit_id, state, source, reason, key, body, ord)
	WHERE i.ord BETWEEN 1 AND 1000000`

const pgInsertMany = `INSERT INTO wide ` + pgColumns + ` SELECT * FROM ` + pgArrays + ` AS i ` + pgColumns

const pgUpdateMany = `WITH done AS (
	UPDATE wide v SET version = i.version, step = i.step, tables = i.tables, in_flight = i.in_flight, due = i.due, updated = i.updated,
		commit_id = i.commit_id, state = i.state, source = i.source, reason = i.reason, key = i.key, body = i.body
	FROM ` + pgArrays + pgFewRows + ` AND v.id = i.id AND v.version = i.version - 1
	RETURNING v.id
), appended AS (
	INSERT INTO history (id, step, from_, event, to_, at, detail)
	SELECT e.* FROM unnest($15::text[], $16::integer[], $17::text[], $18::text[], $19::text[], $20::timestamptz[], $21::bytea[])
		AS e (id, step, from_, event, to_, at, detail) JOIN done USING (id)
)
SELECT count(*) FROM done`

const pgSelect = `SELECT id, version, step, tables, in_flight, due, created, updated, commit_id, state, source, reason, key, body FROM wide `

const (
	pgLoad     = pgSelect + `WHERE id = $1`
	pgLoadMany = `SELECT v.* FROM unnest($1::text[]) WITH ORDINALITY AS i (id, ord) JOIN (` + pgSelect + `) v ON v.id = i.id WHERE i.ord BETWEEN 1 AND 1000000`
)
