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

// inputOne and inputMany name the arguments; oneDraft and manyDrafts tell where
// those of the entries begin.
const inputOne = `SELECT 1::bigint AS ord, $1::text AS id, $2::bigint AS version, $3::integer AS step, $4::integer AS tables,
	$5::boolean AS in_flight, $6::timestamptz AS due, $7::timestamptz AS created, $8::timestamptz AS updated, $9::uuid AS commit_id,
	$10::text AS state, $11::text AS source, $12::text AS reason, $13::text AS key, $14::bytea AS body`

const inputMany = `SELECT ord, id, version, step, tables, in_flight, due, created, updated, commit_id, state, source, reason, key, body
	FROM unnest($1::text[], $2::bigint[], $3::integer[], $4::integer[], $5::boolean[], $6::timestamptz[], $7::timestamptz[], $8::timestamptz[],
		$9::uuid[], $10::text[], $11::text[], $12::text[], $13::text[], $14::bytea[])
	WITH ORDINALITY AS i (id, version, step, tables, in_flight, due, created, updated, commit_id, state, source, reason, key, body, ord)`

// appendEntries writes the entries of those drafts that are done. It reads done
// before it draws a place, so the transaction has an id by then; see outbox.go.
const appendEntries = `INSERT INTO carrierfsm_history (id, step, from_, event, to_, at, detail)
	SELECT e.id, e.step, e.from_, e.event, e.to_, e.at, e.detail
	FROM unnest($15::bigint[], $16::text[], $17::integer[], $18::text[], $19::text[], $20::text[], $21::timestamptz[], $22::bytea[])
		WITH ORDINALITY AS e (of, id, step, from_, event, to_, at, detail, ord)
	JOIN done ON done.ord = e.of
	ORDER BY e.ord`

// commitDrafts: an update that has to wait for another's looks at the version
// again afterwards. Of two drafts on one record it takes one.
const commitDrafts = `, done AS (
	UPDATE carrierfsm_verifications v SET
		version = i.version, step = i.step, tables = i.tables, in_flight = i.in_flight, due = i.due, updated = i.updated,
		commit_id = i.commit_id, state = i.state, source = i.source, reason = i.reason, key = i.key, body = i.body
	FROM input i
	WHERE v.id = i.id AND v.version = i.version - 1 AND (i.key = '' OR i.key = v.key OR NOT EXISTS (
		SELECT FROM carrierfsm_verifications k WHERE k.key = i.key AND k.key <> '' AND k.id <> i.id))
	RETURNING i.ord
), appended AS (` + appendEntries + `)
SELECT i.ord, CASE
	WHEN done.ord IS NOT NULL THEN 0
	WHEN NOT EXISTS (SELECT FROM carrierfsm_verifications v WHERE v.id = i.id) THEN 1
	WHEN i.key <> '' AND EXISTS (SELECT FROM carrierfsm_verifications v WHERE v.id = i.id AND v.version = i.version - 1)
		AND EXISTS (SELECT FROM carrierfsm_verifications k WHERE k.key = i.key AND k.key <> '' AND k.id <> i.id) THEN 4
	ELSE 2 END
FROM input i LEFT JOIN done USING (ord)`

// createDrafts: ON CONFLICT waits for a rival that has not committed yet, and
// says nothing of it.
const createDrafts = `, created AS (
	INSERT INTO carrierfsm_verifications
		(id, version, step, tables, in_flight, due, created, updated, commit_id, state, source, reason, key, body)
	SELECT id, version, step, tables, in_flight, due, created, updated, commit_id, state, source, reason, key, body FROM input
	ON CONFLICT DO NOTHING
	RETURNING id, commit_id
), done AS (
	SELECT i.ord FROM input i JOIN created USING (id, commit_id)
), appended AS (` + appendEntries + `)
SELECT i.ord, CASE
	WHEN done.ord IS NOT NULL THEN 0
	WHEN EXISTS (SELECT FROM carrierfsm_verifications v WHERE v.id = i.id) THEN 3
	WHEN i.key <> '' AND EXISTS (SELECT FROM carrierfsm_verifications k WHERE k.key = i.key AND k.key <> '') THEN 4
	ELSE 5 END
FROM input i LEFT JOIN done USING (ord)`

const (
	commitOne  = `WITH input AS (` + inputOne + `)` + commitDrafts
	commitMany = `WITH input AS (` + inputMany + `)` + commitDrafts
	createOne  = `WITH input AS (` + inputOne + `)` + createDrafts
	createMany = `WITH input AS (` + inputMany + `)` + createDrafts
)
