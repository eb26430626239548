package postgres

import (
	"context"
	"errors"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/budget"
	"github.com/carrierfsm/carrierfsm/store/internal/legal"
	"github.com/carrierfsm/carrierfsm/store/internal/write"
)

// What a request spends is written by the statement that writes its record. held locks
// the records that fit, spent writes the ledgers, one row for each key, and written
// updates the records whose ledgers were written: a record that is held can't be
// refused any more. ON CONFLICT waits for another transaction that writes the same
// ledger, and then reads what that has written.

// spends has what the requests spend, in eight parameters from the given one on.
func spends(first int) string {
	types := []string{"bigint", "text", "text", "integer", "integer", "timestamptz", "timestamptz", "timestamptz"}
	list := ""
	for i, t := range types {
		if i > 0 {
			list += ", "
		}
		list += "$" + strconv.Itoa(first+i) + "::" + t + "[]"
	}
	return `spends AS (SELECT s.* FROM unnest(` + list + `) AS s (request, key, kind, n, most, at, since, ends))`
}

// spentBy writes the ledgers of what a condition on spends s selects. It is the same
// arithmetic as budget.Ledger.Apply.
func spentBy(condition string) string {
	return `spent AS (
	INSERT INTO carrierfsm_ledgers AS l (key, expires, kinds, stamps)
	SELECT s.key, max(s.ends), coalesce(array_agg(s.kind) FILTER (WHERE m.n > 0), '{}'), coalesce(array_agg(s.at) FILTER (WHERE m.n > 0), '{}')
	FROM spends s LEFT JOIN LATERAL generate_series(1, s.n) AS m (n) ON true
	WHERE ` + condition + `
	GROUP BY s.key HAVING bool_and(s.n < 0 OR s.n <= s.most)
	ORDER BY s.key
	ON CONFLICT (key) DO UPDATE SET
		expires = CASE WHEN l.expires < excluded.expires - interval '1 hour' THEN excluded.expires ELSE l.expires END,
		(kinds, stamps) = (
			SELECT coalesce(array_agg(u.kind), '{}') || excluded.kinds, coalesce(array_agg(u.at), '{}') || excluded.stamps
			FROM (SELECT k.kind, k.at, row_number() OVER (PARTITION BY k.kind, k.at) AS nth FROM unnest(l.kinds, l.stamps) AS k (kind, at)) AS u
			LEFT JOIN spends s ON s.key = l.key AND s.kind = u.kind
			WHERE s.kind IS NULL OR s.n > 0 AND u.at > s.since OR s.n < 0 AND (u.at <> s.at OR u.nth > -s.n))
	WHERE NOT EXISTS (
		SELECT FROM spends s WHERE s.key = l.key AND s.n > 0 AND s.n + (
			SELECT count(*) FROM unnest(l.kinds, l.stamps) AS k (kind, at) WHERE k.kind = s.kind AND k.at > s.since) > s.most)
	RETURNING l.key)`
}

// spendOne spends for the one request. The parameters of its spends begin after so many
// others.
func spendOne(others int) string {
	return `WITH ` + spends(others+1) + `, held AS (
	SELECT FROM carrierfsm_verifications v` + oneFits + oneKeyFree + `
	FOR UPDATE
), ` + spentBy(`EXISTS (SELECT FROM held)`)
}

const oneSpent = setOne + `
	WHERE v.id = $1::text AND EXISTS (SELECT FROM spent)`

const oneWritten = `, written AS (` + oneSpent + ` RETURNING 1)`

var spendBatch = `, ` + spends(25) + `, held AS (
	SELECT i.ord FROM input i, carrierfsm_verifications v` + batchFits + batchKeysFree + `
	FOR UPDATE OF v
), ` + spentBy(`s.request IN (SELECT ord FROM held)`) + `, written AS (
	` + setBatch + `
	WHERE v.id = i.id AND i.ord IN (SELECT ord FROM held)
		AND NOT EXISTS (SELECT FROM spends s WHERE s.request = i.ord AND s.key NOT IN (SELECT key FROM spent))` + batchWritten

var spendSQL = writeSQL{
	noEntry:        spendOne(14) + oneSpent,
	oneEntry:       spendOne(23) + oneWritten + appendOne,
	severalEntries: spendOne(24) + oneWritten + appendSeveral,
	batch:          commitInput + spendBatch,
	why:            whyNotCommitted,
	spends:         true,
}

// A creation spends before it inserts. An id or a key that another transaction has
// taken meanwhile is an error then, which takes back what was spent: of a batch each
// request is sent again, alone.
const oneIsFree = `NOT EXISTS (SELECT FROM carrierfsm_verifications v WHERE v.id = $1::text OR v.key = $13::text AND v.key <> '')`

const insertOneSpent = `INSERT INTO carrierfsm_verifications
		(id, version, step, tables, in_flight, due, created, updated, commit_id, state, source, reason, key, body)
	SELECT $1::text, $2::bigint, $3::integer, $4::integer, $5::boolean, $6::timestamptz, $7::timestamptz, $8::timestamptz,
		$9::bytea, $10::text, $11::text, $12::text, $13::text, $14::bytea
	WHERE EXISTS (SELECT FROM spent)`

const oneCreated = `, written AS (` + insertOneSpent + ` RETURNING 1)`

func createOneSpending(others int) string {
	return `WITH ` + spends(others+1) + `, ` + spentBy(oneIsFree)
}

var createSpendBatch = inputOf("created", "timestamptz") + `), ` + spends(25) + `, free AS (
	SELECT i.ord FROM input i WHERE NOT EXISTS (
		SELECT FROM carrierfsm_verifications v WHERE v.id = i.id OR v.key = i.key AND v.key <> '')
), ` + spentBy(`s.request IN (SELECT ord FROM free)`) + `, created AS (
	INSERT INTO carrierfsm_verifications
		(id, version, step, tables, in_flight, due, created, updated, commit_id, state, source, reason, key, body)
	SELECT id, version, step, tables, in_flight, due, created, updated, commit_id, state, source, reason, key, body FROM input i
	WHERE i.ord IN (SELECT ord FROM free)
		AND NOT EXISTS (SELECT FROM spends s WHERE s.request = i.ord AND s.key NOT IN (SELECT key FROM spent))
	RETURNING id, commit_id
), written AS (
	SELECT i.ord FROM input i JOIN created USING (id, commit_id)
)` + appendBatch

var createSpendSQL = writeSQL{
	noEntry:        createOneSpending(14) + insertOneSpent,
	oneEntry:       createOneSpending(23) + oneCreated + appendOne,
	severalEntries: createOneSpending(24) + oneCreated + appendSeveral,
	batch:          createSpendBatch,
	why:            whyNotCreated,
	creates:        true,
	spends:         true,
}

// longer is by how much a ledger outlasts what is counted in it, so that its row seldom
// gets another time.
const longer = time.Hour

// spendArrays returns the arguments of spends.
func spendArrays(requests []write.Request) []any {
	var of []int64
	var keys, kinds []string
	var n, most []int32
	var at, since, ends []time.Time
	for i := range requests {
		for _, s := range requests[i].Record.Spends {
			of, keys, kinds = append(of, int64(i+1)), append(keys, s.Key), append(kinds, string(s.Kind))
			n, most = append(n, int32(s.N)), append(most, mostOf(s))
			at, since, ends = append(at, s.At.UTC()), append(since, s.At.Add(-s.Window).UTC()), append(ends, s.At.Add(s.Window+longer).UTC())
		}
	}
	return []any{of, keys, kinds, n, most, at, since, ends}
}

// mostOf returns the limit of a spend as a column has it.
func mostOf(s budget.Spend) int32 { return int32(min(max(s.Limit, 0), 1<<30)) }

// spends adds the parameters of what the requests spend, as spendArrays does.
func (p *params) spends(requests []write.Request) {
	type index struct{ request, spend int }
	var list []index
	for i := range requests {
		for j := range requests[i].Record.Spends {
			list = append(list, index{i, j})
		}
	}
	n, of := len(list), func(i int) *budget.Spend { return &requests[list[i].request].Record.Spends[list[i].spend] }
	p.int64s(n, func(i int) int64 { return int64(list[i].request + 1) })
	p.texts(n, func(i int) string { return of(i).Key })
	p.texts(n, func(i int) string { return string(of(i).Kind) })
	p.int32s(n, func(i int) int { return of(i).N })
	p.int32s(n, func(i int) int { return int(mostOf(*of(i))) })
	p.times(n, func(i int) time.Time { return of(i).At })
	p.times(n, func(i int) time.Time { return of(i).At.Add(-of(i).Window) })
	p.times(n, func(i int) time.Time { return of(i).At.Add(of(i).Window + longer) })
}

// whyNotSpent returns the *budget.ExceededError of a record whose spends were refused,
// or errRetry if they would not be any more.
func whyNotSpent(ctx context.Context, db querier, r *carrierfsm.Record) error {
	l, err := loadLedger(ctx, db, r.Spends[0].Key)
	if err != nil {
		return wrap(err)
	}
	if _, err = l.Apply(r.Spends); err != nil {
		return err
	}
	return errRetry
}

const readLedger = `SELECT expires, kinds, stamps FROM carrierfsm_ledgers WHERE key = $1::text`

func loadLedger(ctx context.Context, db querier, key string) (l budget.Ledger, err error) {
	list, err := collect(ctx, db, func(row pgx.CollectableRow) (l budget.Ledger, err error) {
		var kinds []string
		var stamps []time.Time
		if err = row.Scan(&l.Expires, &kinds, &stamps); err != nil {
			return l, err
		}
		if len(kinds) != len(stamps) {
			return l, errors.New("carrierfsm/postgres: a ledger has not as many kinds as stamps")
		}
		l.Expires = l.Expires.UTC()
		for i, k := range kinds {
			l.Stamps = append(l.Stamps, budget.Stamp{Kind: budget.Kind(k), At: stamps[i].UTC()})
		}
		l.Sort()
		return l, nil
	}, readLedger, key)
	if err != nil || len(list) == 0 {
		return budget.Ledger{}, err
	}
	return list[0], nil
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
