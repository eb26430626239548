package postgres

import (
	"context"
	"errors"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/carrierfsm/carrierfsm/budget"
	"github.com/carrierfsm/carrierfsm/store/internal/legal"
)

// What a request spends is written by the statement that writes its record. held locks
// the records that fit, spent writes the ledgers, one row for each key, and written
// updates the records whose ledgers were written: a record that is held can't be refused
// any more. A ledger is written only if it is as the store has read it: spending.go
// computes what it becomes.

// oneSpending has statements for one request: its ledger exists, or does not.
type oneSpending struct{ exists, missing writeSQL }

// spendOne spends for the one request if the condition is true. The parameters of its ledger
// begin after so many others.
func spendOne(exists bool, others int, condition string) string {
	param := func(i int, kind string) string { return `$` + strconv.Itoa(others+i) + `::` + kind }
	key, expires, kinds, stamps := param(1, `text`), param(2, `timestamptz`), param(3, `text[]`), param(4, `timestamptz[]`)
	if exists {
		return `spent AS (
	UPDATE carrierfsm_ledgers SET expires = ` + expires + `, kinds = ` + kinds + `, stamps = ` + stamps + `
	WHERE key = ` + key + ` AND kinds = ` + param(5, `text[]`) + ` AND stamps = ` + param(6, `timestamptz[]`) + ` AND ` + condition + `
	RETURNING 1)`
	}
	return `spent AS (
	INSERT INTO carrierfsm_ledgers (key, expires, kinds, stamps)
	SELECT ` + key + `, ` + expires + `, ` + kinds + `, ` + stamps + ` WHERE ` + condition + `
	ON CONFLICT DO NOTHING
	RETURNING 1)`
}

// spendSeveral spends for the requests of a batch that the condition selects. Its parameters,
// from the given one on, are arrays. The first seven have an element for each ledger:
//
//	request, key, expires, exists
//	low     where its new stamps begin in the last two arrays
//	middle  where the stamps begin that it has had
//	high    where these end
//
// The last two have the kinds and the times of all stamps. Ledgers that exist are locked first,
// and then new ones, both in the order of the keys: added waits for changed. The condition on
// the request is always true, and does for these arrays what fewRows does for others.
//
// Arrays say which requests were refused. The planner expects few rows, so it would make a
// join a nested loop over all pairs.
func spendSeveral(first int, condition string) string {
	param := func(i int, kind string) string { return `$` + strconv.Itoa(first+i) + `::` + kind + `[]` }
	part := func(i int, kind, from, to string) string { return `(` + param(i, kind) + `)[` + from + `:` + to + `]` }
	return `ledgers AS (
	SELECT i.request, i.key, i.expires, i.exists_,
		` + part(7, `text`, `i.low`, `i.middle - 1`) + ` AS kinds, ` + part(8, `timestamptz`, `i.low`, `i.middle - 1`) + ` AS stamps,
		` + part(7, `text`, `i.middle`, `i.high`) + ` AS had_kinds, ` + part(8, `timestamptz`, `i.middle`, `i.high`) + ` AS had_stamps
	FROM unnest(` + param(0, `bigint`) + `, ` + param(1, `text`) + `, ` + param(2, `timestamptz`) + `, ` + param(3, `boolean`) + `,
		` + param(4, `integer`) + `, ` + param(5, `integer`) + `, ` + param(6, `integer`) + `) AS i (request, key, expires, exists_, low, middle, high)
	WHERE i.request BETWEEN 1 AND 1000000
), changed AS (
	UPDATE carrierfsm_ledgers l SET expires = i.expires, kinds = i.kinds, stamps = i.stamps
	FROM ledgers i
	WHERE i.exists_ AND l.key = i.key AND l.kinds = i.had_kinds AND l.stamps = i.had_stamps AND ` + condition + `
	RETURNING i.request
), added AS (
	INSERT INTO carrierfsm_ledgers (key, expires, kinds, stamps)
	SELECT i.key, i.expires, i.kinds, i.stamps FROM ledgers i
	WHERE NOT i.exists_ AND (SELECT count(*) FROM changed) >= 0 AND ` + condition + `
	ORDER BY i.key
	ON CONFLICT DO NOTHING
	RETURNING key
)`
}

// isSpent is the condition on a request that it was not refused because of its ledger.
const isSpent = `i.ord <> ALL (ARRAY(SELECT l.request FROM ledgers l
			WHERE CASE WHEN l.exists_ THEN l.request NOT IN (SELECT request FROM changed) ELSE l.key NOT IN (SELECT key FROM added) END))`

const isHeld = `held AS (
	SELECT FROM carrierfsm_verifications v` + oneFits + oneKeyFree + `
	FOR UPDATE
), `

const oneSpent = setOne + `
	WHERE v.id = $1::text AND EXISTS (SELECT FROM spent)`

const oneWritten = `, written AS (` + oneSpent + ` RETURNING 1)`

var commitSpendBatch = commitInput + `, held AS (
	SELECT i.ord FROM input i, carrierfsm_verifications v` + batchFits + batchKeysFree + `
	FOR UPDATE OF v
), ` + spendSeveral(25, `i.request = ANY (ARRAY(SELECT ord FROM held))`) + `, written AS (
	` + setBatch + `
	WHERE v.id = i.id AND i.ord = ANY (ARRAY(SELECT ord FROM held)) AND ` + isSpent + batchWritten

func commitSpending(exists bool) writeSQL {
	with := func(others int) string {
		return `WITH ` + isHeld + spendOne(exists, others, `EXISTS (SELECT FROM held)`)
	}
	return writeSQL{
		noEntry:        with(14) + oneSpent,
		oneEntry:       with(23) + oneWritten + appendOne,
		severalEntries: with(24) + oneWritten + appendSeveral,
		batch:          commitSpendBatch,
		why:            whyNotCommitted,
	}
}

// A creation spends before it inserts. An id or a key that another transaction has
// taken meanwhile is an error then, which takes back what was spent: of a batch each
// request is sent again, alone.
const oneIsFree = `NOT EXISTS (SELECT FROM carrierfsm_verifications v WHERE v.id = $1::text)
	AND NOT EXISTS (SELECT FROM carrierfsm_verifications v WHERE v.key = $13::text AND v.key <> '')`

const insertOneSpent = `INSERT INTO carrierfsm_verifications
		(id, version, step, tables, in_flight, due, created, updated, commit_id, state, source, reason, key, body)
	SELECT $1::text, $2::bigint, $3::integer, $4::integer, $5::boolean, $6::timestamptz, $7::timestamptz, $8::timestamptz,
		$9::bytea, $10::text, $11::text, $12::text, $13::text, $14::bytea
	WHERE EXISTS (SELECT FROM spent)`

const oneCreated = `, written AS (` + insertOneSpent + ` RETURNING 1)`

var createSpendBatch = inputOf("created", "timestamptz") + `), free AS (
	SELECT i.ord FROM input i WHERE NOT EXISTS (SELECT FROM carrierfsm_verifications v WHERE v.id = i.id)
		AND NOT EXISTS (SELECT FROM carrierfsm_verifications v WHERE v.key = i.key AND v.key <> '')
), ` + spendSeveral(25, `i.request = ANY (ARRAY(SELECT ord FROM free))`) + `, created AS (
	INSERT INTO carrierfsm_verifications
		(id, version, step, tables, in_flight, due, created, updated, commit_id, state, source, reason, key, body)
	SELECT id, version, step, tables, in_flight, due, created, updated, commit_id, state, source, reason, key, body FROM input i
	WHERE i.ord = ANY (ARRAY(SELECT ord FROM free)) AND ` + isSpent + `
	RETURNING id, commit_id
), written AS (
	SELECT i.ord FROM input i JOIN created USING (id, commit_id)
)` + appendBatch

func createSpending(exists bool) writeSQL {
	with := func(others int) string { return `WITH ` + spendOne(exists, others, oneIsFree) }
	return writeSQL{
		noEntry:        with(14) + insertOneSpent,
		oneEntry:       with(23) + oneCreated + appendOne,
		severalEntries: with(24) + oneCreated + appendSeveral,
		batch:          createSpendBatch,
		why:            whyNotCreated,
		creates:        true,
	}
}

var (
	createSpendSQL = oneSpending{exists: createSpending(true), missing: createSpending(false)}
	commitSpendSQL = oneSpending{exists: commitSpending(true), missing: commitSpending(false)}
)

// ledgerArgs returns the arguments of spendOne.
func ledgerArgs(s *spending) []any {
	args := []any{s.key, s.after.Expires.UTC(), kindsOf(s.after.Stamps), timesOf(s.after.Stamps)}
	if s.exists {
		args = append(args, kindsOf(s.before), timesOf(s.before))
	}
	return args
}

func kindsOf(stamps []budget.Stamp) []string {
	list := make([]string, len(stamps))
	for i, s := range stamps {
		list[i] = string(s.Kind)
	}
	return list
}

func timesOf(stamps []budget.Stamp) []time.Time {
	list := make([]time.Time, len(stamps))
	for i, s := range stamps {
		list[i] = s.At.UTC()
	}
	return list
}

// ledgerArrays returns the arguments of spendSeveral.
func ledgerArrays(list []spending) []any {
	of, keys, expires, exists := make([]int64, len(list)), make([]string, len(list)), make([]time.Time, len(list)), make([]bool, len(list))
	for i, s := range list {
		of[i], keys[i], expires[i], exists[i] = int64(s.request+1), s.key, s.after.Expires.UTC(), s.exists
	}
	low, middle, high, stamps := stampsOf(list)
	return []any{of, keys, expires, exists, low, middle, high, kindsOf(stamps), timesOf(stamps)}
}

// stampsOf returns the stamps of all ledgers, those of each after its change before those that it
// is to have had, and where these begin and end, from 1 on.
func stampsOf(list []spending) (low, middle, high []int32, stamps []budget.Stamp) {
	for _, s := range list {
		low, stamps = append(low, int32(len(stamps)+1)), append(stamps, s.after.Stamps...)
		middle, stamps = append(middle, int32(len(stamps)+1)), append(stamps, s.before...)
		high = append(high, int32(len(stamps)))
	}
	return low, middle, high, stamps
}

// ledger adds the parameters of the ledger of one request, as ledgerArgs does.
func (p *params) ledger(s *spending) {
	p.text(s.key)
	p.time(s.after.Expires)
	p.stamps(s.after.Stamps)
	if s.exists {
		p.stamps(s.before)
	}
}

// ledgers adds the parameters of the ledgers of a batch, as ledgerArrays does.
func (p *params) ledgers(list []spending) {
	low, middle, high, stamps := stampsOf(list)
	p.int64s(len(list), func(i int) int64 { return int64(list[i].request + 1) })
	p.texts(len(list), func(i int) string { return list[i].key })
	p.times(len(list), func(i int) time.Time { return list[i].after.Expires })
	p.bools(len(list), func(i int) bool { return list[i].exists })
	for _, at := range [][]int32{low, middle, high} {
		p.int32s(len(list), func(i int) int { return int(at[i]) })
	}
	p.stamps(stamps)
}

func (p *params) stamps(list []budget.Stamp) {
	p.texts(len(list), func(i int) string { return string(list[i].Kind) })
	p.times(len(list), func(i int) time.Time { return list[i].At })
}

const readLedgers = `SELECT l.key, l.expires, l.kinds, l.stamps FROM unnest($1::text[]) WITH ORDINALITY AS i (key, ord), carrierfsm_ledgers l
	WHERE l.key = i.key AND ` + fewRows

// storedLedger is a row, its stamps in their order there. err is set if it can't be read.
type storedLedger struct {
	key string
	budget.Ledger
	err error
}

var errLedger = errors.New("carrierfsm/postgres: a ledger has not as many kinds as stamps")

func loadLedgers(ctx context.Context, db querier, keys ...string) ([]storedLedger, error) {
	return collect(ctx, db, func(row pgx.CollectableRow) (l storedLedger, err error) {
		var kinds []string
		var stamps []time.Time
		if err = row.Scan(&l.key, &l.Expires, &kinds, &stamps); err != nil {
			return l, err
		}
		if len(kinds) != len(stamps) {
			l.err = errLedger
			return l, nil
		}
		l.Expires = l.Expires.UTC()
		for i, k := range kinds {
			l.Stamps = append(l.Stamps, budget.Stamp{Kind: budget.Kind(k), At: stamps[i].UTC()})
		}
		return l, nil
	}, readLedgers, keys)
}

func loadLedger(ctx context.Context, db querier, key string) (budget.Ledger, error) {
	list, err := loadLedgers(ctx, db, key)
	if err != nil || len(list) == 0 {
		return budget.Ledger{}, err
	}
	list[0].Sort()
	return list[0].Ledger, list[0].err
}

// Ledger implements carrierfsm.Store.
func (s *Store) Ledger(ctx context.Context, key string) (budget.Ledger, error) {
	if err := s.usable(ctx); err != nil {
		return budget.Ledger{}, err
	}
	if !legal.ID(key) {
		return budget.Ledger{}, nil
	}
	l, err := onConn(ctx, s, func(ctx context.Context, c *pgx.Conn) (budget.Ledger, error) { return loadLedger(ctx, c, key) })
	return l, wrap(err)
}

const expired = `expires < $1::timestamptz`

const deleteLedgers = `DELETE FROM carrierfsm_ledgers WHERE key IN (
	SELECT key FROM carrierfsm_ledgers WHERE ` + expired + ` ORDER BY expires LIMIT $2::bigint FOR UPDATE SKIP LOCKED)`

// PurgeLedgers implements carrierfsm.Store.
func (s *Store) PurgeLedgers(ctx context.Context, before time.Time, limit int) (int, error) {
	if err := s.usable(ctx); err != nil {
		return 0, err
	}
	n, err := s.exec(ctx, s.guarded(deleteLedgers, expired), legal.Ceil(before), int64(max(limit, 0)))
	return int(n), wrap(err)
}
