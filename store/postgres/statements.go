package postgres

// A write is one statement, for one draft or for several, so that it is one
// round trip and one transaction. Of one draft the count of rows tells whether
// it is done; of several the places of those that are come back. Why one is not
// done is asked afterwards. Nothing in it rests on the session, so it may go
// through a pooler.
//
// Drafts without a key have statements of their own: one for both would have
// terms that the server can leave out once it sees that there is no key, and so
// it would plan it anew each time.

// few makes the server expect one row, or a few, of an array. It would expect
// ten, for which it reads the whole of a table that it thinks is small: the
// plans made when the tables are new are kept for as long as a minute, until the
// first ANALYZE, and by then the tables are not small.
const few = `i.ord BETWEEN 1 AND 1000000`

// A write of several drafts has an array a column.
const input = `WITH input AS (
	SELECT ord, id, version, step, tables, in_flight, due, created, updated, commit_id, state, source, reason, key, body
	FROM unnest($1::text[], $2::bigint[], $3::integer[], $4::integer[], $5::boolean[], $6::timestamptz[], $7::timestamptz[], $8::timestamptz[],
		$9::bytea[], $10::text[], $11::text[], $12::text[], $13::text[], $14::bytea[])
	WITH ORDINALITY AS i (id, version, step, tables, in_flight, due, created, updated, commit_id, state, source, reason, key, body, ord)
	WHERE ` + few

// appendMany writes the entries of those drafts that are done. It reads done
// before it draws a place, so that the transaction has an id by then; see holes.go.
const appendMany = `, appended AS (
	INSERT INTO carrierfsm_history (id, step, from_, event, to_, at, detail)
	SELECT e.id, e.step, e.from_, e.event, e.to_, e.at, e.detail
	FROM unnest($15::bigint[], $16::text[], $17::integer[], $18::text[], $19::text[], $20::text[], $21::timestamptz[], $22::bytea[])
		WITH ORDINALITY AS e (of, id, step, from_, event, to_, at, detail, ord)
	JOIN done ON done.ord = e.of
	ORDER BY e.ord)
SELECT ord FROM done`

// appendOne is for one entry of one draft.
const appendOne = `
INSERT INTO carrierfsm_history (id, step, from_, event, to_, at, detail)
SELECT $15::text, $16::integer, $17::text, $18::text, $19::text, $20::timestamptz, $21::bytea FROM done`

// appendSeveral is for several entries of one draft.
const appendSeveral = `
INSERT INTO carrierfsm_history (id, step, from_, event, to_, at, detail)
SELECT e.id, e.step, e.from_, e.event, e.to_, e.at, e.detail
FROM unnest($15::bigint[], $16::text[], $17::integer[], $18::text[], $19::text[], $20::text[], $21::timestamptz[], $22::bytea[])
	WITH ORDINALITY AS e (of, id, step, from_, event, to_, at, detail, ord), done
ORDER BY e.ord`

// commitMany: an update that has to wait for another's looks at the version
// again afterwards. Of two drafts on one record it takes one.
const commitMany = input + `), done AS (
	UPDATE carrierfsm_verifications v SET
		version = i.version, step = i.step, tables = i.tables, in_flight = i.in_flight, due = i.due, updated = i.updated,
		commit_id = i.commit_id, state = i.state, source = i.source, reason = i.reason, key = i.key, body = i.body
	FROM input i
	WHERE v.id = i.id AND v.version = i.version - 1`

const manyKeysFree = ` AND (i.key = '' OR i.key = v.key OR NOT EXISTS (
		SELECT FROM carrierfsm_verifications k WHERE k.key = i.key AND k.key <> '' AND k.id <> i.id))`

const manyDone = `
	RETURNING i.ord
)` + appendMany

// commitOne is commitMany for one draft. An update has no use for created.
const commitOne = `UPDATE carrierfsm_verifications v SET
		version = $2::bigint, step = $3::integer, tables = $4::integer, in_flight = $5::boolean, due = $6::timestamptz, updated = $8::timestamptz,
		commit_id = $9::bytea, state = $10::text, source = $11::text, reason = $12::text, key = $13::text, body = $14::bytea
	WHERE v.id = $1::text AND v.version = $2::bigint - 1 AND $7::timestamptz IS NOT NULL`

const oneKeyFree = ` AND (v.key = $13::text OR NOT EXISTS (
		SELECT FROM carrierfsm_verifications k WHERE k.key = $13::text AND k.key <> '' AND k.id <> $1::text))`

// createMany: ON CONFLICT waits for a rival that has not committed yet, and
// says nothing of it.
const createMany = input + `), created AS (
	INSERT INTO carrierfsm_verifications
		(id, version, step, tables, in_flight, due, created, updated, commit_id, state, source, reason, key, body)
	SELECT id, version, step, tables, in_flight, due, created, updated, commit_id, state, source, reason, key, body FROM input
	ON CONFLICT DO NOTHING
	RETURNING id, commit_id
), done AS (
	SELECT i.ord FROM input i JOIN created USING (id, commit_id)
)` + appendMany

// createOne is createMany for one draft.
const createOne = `INSERT INTO carrierfsm_verifications
		(id, version, step, tables, in_flight, due, created, updated, commit_id, state, source, reason, key, body)
	VALUES ($1::text, $2::bigint, $3::integer, $4::integer, $5::boolean, $6::timestamptz, $7::timestamptz, $8::timestamptz,
		$9::bytea, $10::text, $11::text, $12::text, $13::text, $14::bytea)
	ON CONFLICT DO NOTHING`

// whyNot is asked of drafts that are not done. It answers with a place in reasons.
const whyNot = `SELECT CASE `

const whyFrom = ` END
FROM unnest($1::text[], $2::bigint[], $3::text[]) WITH ORDINALITY AS i (id, version, key, ord)
LEFT JOIN carrierfsm_verifications v ON v.id = i.id
ORDER BY i.ord`

const keyTaken = `i.key <> '' AND EXISTS (SELECT FROM carrierfsm_verifications k WHERE k.key = i.key AND k.key <> '' AND k.id <> i.id)`

const whyNotCommitted = whyNot + `WHEN v.id IS NULL THEN 0 WHEN v.version <> i.version - 1 THEN 1 WHEN i.key <> v.key AND ` + keyTaken + ` THEN 3 ELSE 4` + whyFrom

const whyNotCreated = whyNot + `WHEN v.id IS NOT NULL THEN 2 WHEN ` + keyTaken + ` THEN 3 ELSE 4` + whyFrom

// statements are those of one kind of write: of one draft with no entry, with
// one, with several, and of many drafts; and what is asked when one was not done.
type statements struct{ bare, one, several, many, why string }

func statementsOf(one, many, why string) statements {
	with := `WITH done AS (` + one + ` RETURNING 1)`
	return statements{bare: one, one: with + appendOne, several: with + appendSeveral, many: many, why: why}
}

var (
	commitStatements = statementsOf(commitOne, commitMany+manyDone, whyNotCommitted)
	keyedStatements  = statementsOf(commitOne+oneKeyFree, commitMany+manyKeysFree+manyDone, whyNotCommitted)
	createStatements = statementsOf(createOne, createMany, whyNotCreated)
)
