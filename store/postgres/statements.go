package postgres

// A write is one statement, for one draft or for several, so that it is one
// round trip and one transaction. What it did it tells in rows: ord, the place
// of the draft, and a verdict. Nothing in it rests on the session, so it may go
// through a pooler.

// The verdicts.
const (
	verdictDone = iota
	verdictNotFound
	verdictConflict
	verdictExists
	verdictKeyInUse
	verdictAgain // somebody was faster; who, only the next snapshot shows
)

// A write of several drafts has an array a column.
const input = `WITH input AS (
	SELECT ord, id, version, step, tables, in_flight, due, created, updated, commit_id, state, source, reason, key, body
	FROM unnest($1::text[], $2::bigint[], $3::integer[], $4::integer[], $5::boolean[], $6::timestamptz[], $7::timestamptz[], $8::timestamptz[],
		$9::bytea[], $10::text[], $11::text[], $12::text[], $13::text[], $14::bytea[])
	WITH ORDINALITY AS i (id, version, step, tables, in_flight, due, created, updated, commit_id, state, source, reason, key, body, ord)`

// appendMany writes the entries of those drafts that are done. It reads done
// before it draws a place, so that the transaction has an id by then; see holes.go.
const appendMany = `, appended AS (
	INSERT INTO carrierfsm_history (id, step, from_, event, to_, at, detail)
	SELECT e.id, e.step, e.from_, e.event, e.to_, e.at, e.detail
	FROM unnest($15::bigint[], $16::text[], $17::integer[], $18::text[], $19::text[], $20::text[], $21::timestamptz[], $22::bytea[])
		WITH ORDINALITY AS e (of, id, step, from_, event, to_, at, detail, ord)
	JOIN done ON done.ord = e.of
	ORDER BY e.ord)`

// appendOne is appendMany for one entry of one draft.
const appendOne = `, appended AS (
	INSERT INTO carrierfsm_history (id, step, from_, event, to_, at, detail)
	SELECT $15::text, $16::integer, $17::text, $18::text, $19::text, $20::timestamptz, $21::bytea FROM done)`

// appendSeveral is appendMany for several entries of one draft.
const appendSeveral = `, appended AS (
	INSERT INTO carrierfsm_history (id, step, from_, event, to_, at, detail)
	SELECT e.id, e.step, e.from_, e.event, e.to_, e.at, e.detail
	FROM unnest($15::bigint[], $16::text[], $17::integer[], $18::text[], $19::text[], $20::text[], $21::timestamptz[], $22::bytea[])
		WITH ORDINALITY AS e (of, id, step, from_, event, to_, at, detail, ord), done
	ORDER BY e.ord)`

// commitMany: an update that has to wait for another's looks at the version
// again afterwards. Of two drafts on one record it takes one.
const commitMany = input + `), done AS (
	UPDATE carrierfsm_verifications v SET
		version = i.version, step = i.step, tables = i.tables, in_flight = i.in_flight, due = i.due, updated = i.updated,
		commit_id = i.commit_id, state = i.state, source = i.source, reason = i.reason, key = i.key, body = i.body
	FROM input i
	WHERE v.id = i.id AND v.version = i.version - 1 AND (i.key = '' OR i.key = v.key OR NOT EXISTS (
		SELECT FROM carrierfsm_verifications k WHERE k.key = i.key AND k.key <> '' AND k.id <> i.id))
	RETURNING i.ord
)` + appendMany + `
SELECT i.ord, CASE
	WHEN done.ord IS NOT NULL THEN 0
	WHEN NOT EXISTS (SELECT FROM carrierfsm_verifications v WHERE v.id = i.id) THEN 1
	WHEN i.key <> '' AND EXISTS (SELECT FROM carrierfsm_verifications v WHERE v.id = i.id AND v.version = i.version - 1)
		AND EXISTS (SELECT FROM carrierfsm_verifications k WHERE k.key = i.key AND k.key <> '' AND k.id <> i.id) THEN 4
	ELSE 2 END
FROM input i LEFT JOIN done USING (ord)`

// commitOne is commitMany for one draft.
const commitOne = `WITH done AS (
	UPDATE carrierfsm_verifications v SET
		version = $2::bigint, step = $3::integer, tables = $4::integer, in_flight = $5::boolean, due = $6::timestamptz, updated = $8::timestamptz,
		commit_id = $9::bytea, state = $10::text, source = $11::text, reason = $12::text, key = $13::text, body = $14::bytea
	WHERE v.id = $1::text AND v.version = $2::bigint - 1 AND ($13::text = '' OR v.key = $13::text OR NOT EXISTS (
		SELECT FROM carrierfsm_verifications k WHERE k.key = $13::text AND k.key <> '' AND k.id <> $1::text))
	RETURNING 1)`

const commitOneVerdict = `
SELECT 1::bigint, CASE
	WHEN EXISTS (SELECT FROM done) THEN 0
	WHEN NOT EXISTS (SELECT FROM carrierfsm_verifications v WHERE v.id = $1::text) THEN 1
	WHEN $13::text <> '' AND EXISTS (SELECT FROM carrierfsm_verifications v WHERE v.id = $1::text AND v.version = $2::bigint - 1)
		AND EXISTS (SELECT FROM carrierfsm_verifications k WHERE k.key = $13::text AND k.key <> '' AND k.id <> $1::text) THEN 4
	ELSE 2 END
WHERE $7::timestamptz IS NOT NULL`

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
)` + appendMany + `
SELECT i.ord, CASE
	WHEN done.ord IS NOT NULL THEN 0
	WHEN EXISTS (SELECT FROM carrierfsm_verifications v WHERE v.id = i.id) THEN 3
	WHEN i.key <> '' AND EXISTS (SELECT FROM carrierfsm_verifications k WHERE k.key = i.key AND k.key <> '') THEN 4
	ELSE 5 END
FROM input i LEFT JOIN done USING (ord)`

// createOne is createMany for one draft.
const createOne = `WITH done AS (
	INSERT INTO carrierfsm_verifications
		(id, version, step, tables, in_flight, due, created, updated, commit_id, state, source, reason, key, body)
	VALUES ($1::text, $2::bigint, $3::integer, $4::integer, $5::boolean, $6::timestamptz, $7::timestamptz, $8::timestamptz,
		$9::bytea, $10::text, $11::text, $12::text, $13::text, $14::bytea)
	ON CONFLICT DO NOTHING
	RETURNING 1)`

const createOneVerdict = `
SELECT 1::bigint, CASE
	WHEN EXISTS (SELECT FROM done) THEN 0
	WHEN EXISTS (SELECT FROM carrierfsm_verifications v WHERE v.id = $1::text) THEN 3
	WHEN $13::text <> '' AND EXISTS (SELECT FROM carrierfsm_verifications k WHERE k.key = $13::text AND k.key <> '') THEN 4
	ELSE 5 END`

// statements are those of one kind of write: of one draft with no entry, with
// one, with several, and of many drafts.
type statements struct{ bare, one, several, many string }

func statementsOf(begin, end, many string) statements {
	return statements{bare: begin + end, one: begin + appendOne + end, several: begin + appendSeveral + end, many: many}
}

var (
	commitStatements = statementsOf(commitOne, commitOneVerdict, commitMany)
	createStatements = statementsOf(createOne, createOneVerdict, createMany)
)

// of returns the statement for these drafts, with its arguments.
func (s statements) of(drafts []draft) (sql string, args []any) {
	d := drafts[0]
	switch {
	case len(drafts) > 1:
		return s.many, append(recordArrays(drafts), entryArrays(drafts)...)
	case len(d.entries) > 1:
		return s.several, append(recordArgs(d.record), entryArrays(drafts)...)
	case len(d.entries) == 1:
		return s.one, append(recordArgs(d.record), entryArgs(d.entries[0])...)
	default:
		return s.bare, recordArgs(d.record)
	}
}
