package postgres

import (
	"cmp"
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/store/internal/legal"
)

const recordsWithBody = `SELECT ` + recordColumns + `, v.body FROM carrierfsm_verifications v `

const loadRecord = recordsWithBody + `WHERE v.id = $1`

const readHistory = `SELECT ` + entryColumns + ` FROM carrierfsm_history WHERE id = $1 AND step > $2::integer ORDER BY step LIMIT $3::bigint`

const readDue = recordsWithBody + `WHERE v.due <= $1::timestamptz AND (v.due, v.id) > ($2::timestamptz, $3::text) ORDER BY v.due, v.id LIMIT $4::bigint`

// History implements carrierfsm.Store.
func (s *Store) History(ctx context.Context, id string, afterStep, limit int) ([]carrierfsm.Entry, error) {
	if !legal.ID(id) {
		return nil, s.usable(ctx)
	}
	if err := s.confirm(ctx, id); err != nil {
		return nil, err
	}
	list, err := read(ctx, s, scanEntry, readHistory, id, int32(legal.Step(afterStep)), int64(max(limit, 0)))
	for i := range list {
		list[i].Position = 0 // only Pending returns it
	}
	return list, err
}

// Due implements carrierfsm.Store.
func (s *Store) Due(ctx context.Context, now time.Time, after carrierfsm.PageKey, limit int) ([]carrierfsm.Record, error) {
	return read(ctx, s, scanRecordWithBody, readDue, legal.Floor(now), legal.Floor(after.Time), legal.KeyID(after.ID), int64(max(limit, 0)))
}

// List implements carrierfsm.Store. It reads records from the newest on until the
// page is full, so a query that few records match reads many.
func (s *Store) List(ctx context.Context, q carrierfsm.Query) ([]carrierfsm.Record, error) {
	sql, args := listQuery(q)
	if q.Bodies {
		return read(ctx, s, scanRecordWithBody, sql, args...)
	}
	return read(ctx, s, scanRecord, sql, args...)
}

func listQuery(q carrierfsm.Query) (sql string, args []any) {
	c := conditionsOf(q)
	from := `SELECT ` + recordColumns + ` FROM carrierfsm_verifications v`
	if q.Bodies {
		from = recordsWithBody
	}
	sql = from + c.where() + ` ORDER BY v.created DESC, v.id DESC LIMIT ` + c.limit(q.Limit)
	return sql, c.args
}

// conditions are the terms of a WHERE clause and their arguments.
type conditions struct {
	terms []string
	args  []any
}

// arg adds an argument and returns its placeholder.
func (c *conditions) arg(v any) string {
	c.args = append(c.args, v)
	return "$" + strconv.Itoa(len(c.args))
}

// limit adds the limit of a query, which defaults to 100, and returns its
// placeholder.
func (c *conditions) limit(n int) string { return c.arg(int64(cmp.Or(max(n, 0), 100))) + `::bigint` }

// add adds a term if it is wanted.
func (c *conditions) add(wanted bool, term func() string) {
	if wanted {
		c.terms = append(c.terms, term())
	}
}

// words adds a term that nothing matches if no column can have one of the words: the
// server would refuse a NUL, for example.
func (c *conditions) words(list ...string) {
	if slices.ContainsFunc(list, func(w string) bool { return !legal.Word(w) }) {
		c.terms = append(c.terms, `false`)
	}
}

func (c *conditions) where() string {
	if len(c.terms) == 0 {
		return ""
	}
	return ` WHERE ` + strings.Join(c.terms, ` AND `)
}

// conditionsOf returns the conditions that are set in the query.
func conditionsOf(q carrierfsm.Query) *conditions {
	c := new(conditions)
	c.words(q.Source, string(q.Reason), q.Key)
	var states []string
	for _, s := range q.States {
		if legal.Word(string(s)) {
			states = append(states, string(s))
		}
	}
	c.add(len(q.States) > 0, func() string { return `v.state = ANY (` + c.arg(states) + `::text[])` })
	c.add(legal.Word(q.Source) && q.Source != "", func() string { return `v.source = ` + c.arg(q.Source) + `::text` })
	c.add(legal.Word(string(q.Reason)) && q.Reason != "", func() string { return `v.reason = ` + c.arg(string(q.Reason)) + `::text` })
	c.add(q.InFlight, func() string { return `v.in_flight` })
	c.add(legal.Word(q.Key) && q.Key != "", func() string { return `v.key <> '' AND v.key = ` + c.arg(q.Key) + `::text` })
	c.add(!q.CreatedAfter.IsZero(), func() string { return `v.created > ` + c.arg(legal.Floor(q.CreatedAfter)) + `::timestamptz` })
	c.add(!q.CreatedBefore.IsZero(), func() string { return `v.created < ` + c.arg(legal.Ceil(q.CreatedBefore)) + `::timestamptz` })
	c.add(!q.UpdatedBefore.IsZero(), func() string { return `v.updated < ` + c.arg(legal.Ceil(q.UpdatedBefore)) + `::timestamptz` })
	c.add(q.After != (carrierfsm.PageKey{}), func() string {
		return `(v.created, v.id) < (` + c.arg(legal.Floor(q.After.Time)) + `::timestamptz, ` + c.arg(legal.KeyID(q.After.ID)) + `::text)`
	})
	return c
}

// reads is how often a read is sent when it gets no answer, each time on another
// connection.
const reads = 2

// read runs a query, with retries, and scans its rows. It takes no longer than the
// store's timeout.
func read[T any](ctx context.Context, s *Store, scan pgx.RowToFunc[T], sql string, args ...any) ([]T, error) {
	return onConn(ctx, s, func(ctx context.Context, c *pgx.Conn) ([]T, error) {
		return collect(ctx, c, scan, sql, args...)
	})
}

// onConn runs f, which reads, on a connection, with retries. If f gets no answer, its
// connection is closed and f runs on another one.
func onConn[T any](ctx context.Context, s *Store, f func(context.Context, *pgx.Conn) (T, error)) (result T, err error) {
	ctx, cancel := s.withTimeout(ctx)
	defer cancel()
	for try := 0; ; try++ {
		limited, cancel := context.WithTimeout(ctx, s.timeout/reads)
		result, err = onConnOnce(limited, s, f)
		silent := err != nil && limited.Err() != nil && ctx.Err() == nil && try < reads-1
		cancel()
		if silent {
			s.pool.Reset() // the other connections are to the same server
		}
		if err == nil || !silent && !retryable(err, try) || !backoff(ctx, try) {
			return result, wrap(err)
		}
	}
}

func onConnOnce[T any](ctx context.Context, s *Store, f func(context.Context, *pgx.Conn) (T, error)) (result T, err error) {
	conn, err := s.acquire(ctx)
	for ; err == nil && s.restarts.isRaised(); conn, err = s.acquire(ctx) {
		conn.Release()
		if err := s.pass(ctx, &s.restarts); err != nil {
			return result, err
		}
	}
	if err != nil {
		return result, err
	}
	defer conn.Release()
	return f(ctx, conn.Conn())
}

// collect runs a query once and scans its rows.
func collect[T any](ctx context.Context, db querier, scan pgx.RowToFunc[T], sql string, args ...any) ([]T, error) {
	rows, err := db.Query(ctx, sql, args...)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, scan)
}
