package postgres

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgtype"
	"github.com/jackc/pgx/v5/pgxpool"
)

// What is done most, a commit and a load, goes to the server as bytes, past
// what pgx does for values of any type: that was a quarter of our CPU of it.
// Where the host wants to see each statement, or each sent in a way of its own,
// it goes by pgx, as all other statements do.

// maySendDirectly tells whether the host's pool prepares statements and keeps
// them, which is pgx's own way, and nobody looks on.
func maySendDirectly(pool *pgxpool.Pool) bool {
	c := pool.Config()
	return c.BeforeConnect == nil && c.ConnConfig.Tracer == nil &&
		c.ConnConfig.DefaultQueryExecMode == pgx.QueryExecModeCacheStatement && c.ConnConfig.StatementCacheCapacity > 0
}

// direct runs a statement whose parameters are bytes. Each row of its result is
// shown to row, and is the connection's again afterwards.
func (s *Store) direct(ctx context.Context, sql string, p *params, row func(values [][]byte) error) (pgconn.CommandTag, error) {
	conn, err := s.pool.Acquire(ctx)
	if err != nil {
		return pgconn.CommandTag{}, err
	}
	defer conn.Release()
	prepared, err := conn.Conn().Prepare(ctx, sql, sql) // a look-up, but for the first time
	if err != nil {
		return pgconn.CommandTag{}, err
	}
	result := conn.Conn().PgConn().ExecStatement(ctx, prepared, p.values, binaryFormat, binaryFormat)
	var unread error
	for result.NextRow() {
		if unread == nil {
			unread = row(result.Values())
		}
	}
	tag, err := result.Close()
	if outdated(err) {
		_ = conn.Conn().Deallocate(ctx, sql) // the next try has it prepared anew
	}
	if err == nil {
		err = unread
	}
	return tag, err
}

var (
	binaryFormat = []int16{pgtype.BinaryFormatCode} // of all parameters, and of all columns
	errRow       = errors.New("carrierfsm/postgres: the server's row is not what was asked for")
)

// runOneDirectly is runOne, by bytes.
func (w *writer) runOneDirectly(ctx context.Context, s *statements, d *draft) (done bool, err error) {
	p := newParams(22, 512)
	p.record(&d.record)
	sql := s.bare
	switch {
	case len(d.entries) > 1:
		sql = s.several
		p.entries([]draft{*d})
	case len(d.entries) == 1:
		sql = s.one
		p.entry(&d.entries[0])
	}
	tag, err := w.direct(ctx, sql, p, nil)
	return tag.RowsAffected() > 0, err
}

// runManyDirectly is runMany, by bytes.
func (w *writer) runManyDirectly(ctx context.Context, s *statements, drafts []draft) ([]bool, error) {
	size := 1024
	for i := range drafts {
		size += 512 + drafts[i].size()
	}
	p := newParams(22, size)
	p.records(drafts)
	p.entries(drafts)
	done := make([]bool, len(drafts))
	_, err := w.direct(ctx, s.many, p, func(values [][]byte) error {
		row := cells{values: values}
		if ord := row.int64(); row.err == nil && ord >= 1 && ord <= int64(len(done)) {
			done[ord-1] = true
			return nil
		}
		return errRow
	})
	return done, err
}

// loadDirectly is loadBy, by bytes.
func (s *Store) loadDirectly(ctx context.Context, sql string, list []*loading) error {
	p := newParams(1, 64*len(list))
	if sql == loadRecord {
		p.text(list[0].id)
	} else {
		p.texts(len(list), func(i int) string { return list[i].id })
	}
	return patiently(ctx, func(ctx context.Context) error {
		_, err := s.direct(ctx, sql, p, func(values [][]byte) error {
			r, err := wholeRecordOf(values)
			if err == nil {
				fill(list, r)
			}
			return err
		})
		return named(err)
	})
}
