package postgres

// Each write is one statement, for one request or for a batch: one round trip and
// one transaction. The statement for one request returns how many rows it wrote;
// the statement for a batch returns the numbers of the requests that it wrote. Another
// one asks why a request was refused, and one before reads ledgers: see spending.go. The statements use nothing of
// the session, so a pooler may run each on another connection.
//
// Requests without a key have their own statements. A statement for both would
// have conditions that the server can drop when it knows that there is no key, so
// the server would plan it again in each execution.

// fewRows makes the server estimate that an array has few rows. By default it
// estimates ten, and for ten it scans a whole table that it believes is small.
// Until the first ANALYZE, up to a minute after the tables are created, it uses
// plans made for empty tables, and by then the tables are no longer small.
const fewRows = `i.ord BETWEEN 1 AND 1000000`

// inputOf has the records of a batch, with an array for each column. The seventh
// has this name and type: created in a creation, previous in a commit.
func inputOf(seventh, kind string) string {
	return `WITH input AS (
	SELECT ord, id, version, step, tables, in_flight, due, ` + seventh + `, updated, commit_id, state, source, reason, key, body
	FROM unnest($1::text[], $2::bigint[], $3::integer[], $4::integer[], $5::boolean[], $6::timestamptz[], $7::` + kind + `[], $8::timestamptz[],
		$9::bytea[], $10::text[], $11::text[], $12::text[], $13::text[], $14::bytea[])
	WITH ORDINALITY AS i (id, version, step, tables, in_flight, due, ` + seventh + `, updated, commit_id, state, source, reason, key, body, ord)
	WHERE ` + fewRows
}

// appendBatch appends the entries of the requests that were written. It draws
// positions after it has read from written, when the transaction has an id:
// gaps.go needs that.
const appendBatch = `, appended AS (
	INSERT INTO carrierfsm_history (id, step, from_, event, to_, at, source, dwell, detail)
	SELECT e.id, e.step, e.from_, e.event, e.to_, e.at, e.source, e.dwell, e.detail
	FROM unnest($15::bigint[], $16::text[], $17::integer[], $18::text[], $19::text[], $20::text[], $21::timestamptz[], $22::text[], $23::bigint[], $24::bytea[])
		WITH ORDINALITY AS e (request, id, step, from_, event, to_, at, source, dwell, detail, ord)
	JOIN written ON written.ord = e.request
	ORDER BY e.ord)
SELECT ord FROM written`

// appendOne appends the only entry of a request.
const appendOne = `
INSERT INTO carrierfsm_history (id, step, from_, event, to_, at, source, dwell, detail)
SELECT $15::text, $16::integer, $17::text, $18::text, $19::text, $20::timestamptz, $21::text, $22::bigint, $23::bytea FROM written`

// appendSeveral appends the entries of one request.
const appendSeveral = `
INSERT INTO carrierfsm_history (id, step, from_, event, to_, at, source, dwell, detail)
SELECT e.id, e.step, e.from_, e.event, e.to_, e.at, e.source, e.dwell, e.detail
FROM unnest($15::bigint[], $16::text[], $17::integer[], $18::text[], $19::text[], $20::text[], $21::timestamptz[], $22::text[], $23::bigint[], $24::bytea[])
	WITH ORDINALITY AS e (request, id, step, from_, event, to_, at, source, dwell, detail, ord), written
ORDER BY e.ord`

// commitBatch updates the records of a batch. If an update has to wait for another
// transaction, the server checks the version again afterwards. Of two requests for
// one record only one is written.
var commitBatch = commitInput + `, written AS (
	` + setBatch + batchFits

var commitInput = inputOf("previous", "bytea") + `)`

const setBatch = `UPDATE carrierfsm_verifications v SET
		version = i.version, step = i.step, tables = i.tables, in_flight = i.in_flight, due = i.due, updated = i.updated,
		commit_id = i.commit_id, state = i.state, source = i.source, reason = i.reason, key = i.key, body = i.body
	FROM input i`

const batchFits = `
	WHERE v.id = i.id AND v.version = i.version - 1 AND v.commit_id = coalesce(i.previous, v.commit_id)`

const batchKeysFree = ` AND (i.key = '' OR i.key = v.key OR NOT EXISTS (
		SELECT FROM carrierfsm_verifications k WHERE k.key = i.key AND k.key <> '' AND k.id <> i.id))`

const batchWritten = `
	RETURNING i.ord
)` + appendBatch

// commitOne updates one record. $7 is the previous commit id, or NULL for any: as an
// argument of coalesce it costs the server's estimate nothing, so that no plan for
// the actual value seems cheaper.
const commitOne = setOne + oneFits

const setOne = `UPDATE carrierfsm_verifications v SET
		version = $2::bigint, step = $3::integer, tables = $4::integer, in_flight = $5::boolean, due = $6::timestamptz, updated = $8::timestamptz,
		commit_id = $9::bytea, state = $10::text, source = $11::text, reason = $12::text, key = $13::text, body = $14::bytea`

const oneFits = `
	WHERE v.id = $1::text AND v.version = $2::bigint - 1 AND v.commit_id = coalesce($7::bytea, v.commit_id)`

const oneKeyFree = ` AND (v.key = $13::text OR NOT EXISTS (
		SELECT FROM carrierfsm_verifications k WHERE k.key = $13::text AND k.key <> '' AND k.id <> $1::text))`

// createBatch inserts the records of a batch. ON CONFLICT waits for another
// transaction that has inserted the same id or key and is not committed. It does
// not return the refused rows; the commit id identifies the inserted ones.
var createBatch = inputOf("created", "timestamptz") + `), created AS (
	INSERT INTO carrierfsm_verifications
		(id, version, step, tables, in_flight, due, created, updated, commit_id, state, source, reason, key, body)
	SELECT id, version, step, tables, in_flight, due, created, updated, commit_id, state, source, reason, key, body FROM input
	ON CONFLICT DO NOTHING
	RETURNING id, commit_id
), written AS (
	SELECT i.ord FROM input i JOIN created USING (id, commit_id)
)` + appendBatch

// createOne inserts one record.
const createOne = `INSERT INTO carrierfsm_verifications
		(id, version, step, tables, in_flight, due, created, updated, commit_id, state, source, reason, key, body)
	VALUES ($1::text, $2::bigint, $3::integer, $4::integer, $5::boolean, $6::timestamptz, $7::timestamptz, $8::timestamptz,
		$9::bytea, $10::text, $11::text, $12::text, $13::text, $14::bytea)
	ON CONFLICT DO NOTHING`

// whySelect, a WHEN list and whyFrom return an index in refusals for each request
// that was not written.
const whySelect = `SELECT CASE `

const whyFrom = ` END
FROM unnest($1::text[], $2::bigint[], $3::text[], $4::bytea[], $5::boolean[]) WITH ORDINALITY AS i (id, version, key, previous, in_flight, ord)
LEFT JOIN carrierfsm_verifications v ON v.id = i.id
ORDER BY i.ord`

// whyKey begins the conditions about the key.
const whyKey = ` WHEN i.key <> `

const keyTaken = `EXISTS (SELECT FROM carrierfsm_verifications k WHERE k.key = i.key AND k.key <> '' AND k.id <> i.id)`

const whyNotCommitted = whySelect + `WHEN v.id IS NULL THEN 0 WHEN v.version <> i.version - 1 OR v.commit_id <> i.previous THEN 1` + whyKey + `v.key AND i.key <> '' AND ` + keyTaken + ` THEN 3 ELSE 4` + whyFrom

const whyNotCreated = whySelect + `WHEN v.id IS NOT NULL THEN 2` + whyKey + `'' AND ` + keyTaken + ` THEN 3 ELSE 4` + whyFrom

// writeSQL has the statements of one kind of write: for one request with no entry,
// with one and with several, for a batch, and to ask why a request was not written.
type writeSQL struct {
	noEntry, oneEntry, severalEntries, batch, why string

	creates bool // $7 is created, not previous
}

func writeSQLOf(one, batch, why string, creates bool) writeSQL {
	with := `WITH written AS (` + one + ` RETURNING 1)`
	return writeSQL{noEntry: one, oneEntry: with + appendOne, severalEntries: with + appendSeveral, batch: batch, why: why, creates: creates}
}

var (
	createSQL        = writeSQLOf(createOne, createBatch, whyNotCreated, true)
	commitSQL        = writeSQLOf(commitOne, commitBatch+batchWritten, whyNotCommitted, false)
	commitWithKeySQL = writeSQLOf(commitOne+oneKeyFree, commitBatch+batchKeysFree+batchWritten, whyNotCommitted, false)
)
