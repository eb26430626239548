package postgres

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgtype"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/carrierfsm/carrierfsm/store/internal/write"
)

// The fast path of Create, Commit and Load. It replaces runOnePlain, runBatchPlain
// and loadPlain: this package encodes the parameters and decodes the rows itself
// (fastpath_encode.go, fastpath_decode.go) and gives pgx only bytes. pgx would look
// up how to encode each value by its type. That saves about 30 % of the client's
// CPU time of a commit.
//
// TestTheFastPathAndPgxStoreTheSameRows holds it equal to the plain way. pgx runs all
// other statements, and these too if useFastPath returns false.

// useFastPath returns whether the configuration has pgx's default mode, in which
// statements are prepared and cached, and the host neither traces statements nor
// configures connections.
func useFastPath(c *pgxpool.Config) bool {
	return c.BeforeConnect == nil && c.ConnConfig.Tracer == nil &&
		c.ConnConfig.DefaultQueryExecMode == pgx.QueryExecModeCacheStatement && c.ConnConfig.StatementCacheCapacity > 0
}

// execFast runs a statement with encoded parameters and calls row with each row of
// the result. The values of a row are borrowed: they are valid until row returns.
func execFast(ctx context.Context, c *pgx.Conn, sql string, p *params, row func(values [][]byte) error) (pgconn.CommandTag, error) {
	prepared, err := c.Prepare(ctx, sql, sql) // after the first time it is in a map
	if err != nil {
		return pgconn.CommandTag{}, err
	}
	result := c.PgConn().ExecStatement(ctx, prepared, p.values, binaryFormat, binaryFormat)
	var rowErr error
	for result.NextRow() {
		if rowErr == nil {
			rowErr = row(result.Values())
		}
	}
	tag, err := result.Close()
	if isStaleStatement(err) {
		_ = c.Deallocate(ctx, sql) // the next try prepares it again
	}
	if err == nil {
		err = rowErr
	}
	return tag, err
}

var (
	binaryFormat = []int16{pgtype.BinaryFormatCode} // one element applies to all values
	errRow       = errors.New("carrierfsm/postgres: the server returned a row of the wrong shape")
)

// runOneFast is runOnePlain on the fast path.
func runOneFast(ctx context.Context, c *pgx.Conn, s *writeSQL, r *write.Request, spending []spending) (written bool, err error) {
	p := newParams(32, 512)
	p.record(&r.Record, s.creates)
	sql := s.noEntry
	switch {
	case len(r.Entries) > 1:
		sql = s.severalEntries
		p.entries([]write.Request{*r})
	case len(r.Entries) == 1:
		sql = s.oneEntry
		p.entry(&r.Entries[0])
	}
	if len(spending) > 0 {
		p.ledger(&spending[0])
	}
	tag, err := execFast(ctx, c, sql, p, nil)
	return tag.RowsAffected() > 0, err
}

// runBatchFast is runBatchPlain on the fast path.
func runBatchFast(ctx context.Context, c *pgx.Conn, s *writeSQL, requests []write.Request, spending []spending, written []bool) error {
	capacity := 1024
	for i := range requests {
		capacity += 512 + sizeOf(requests[i])
	}
	p := newParams(32, capacity)
	p.records(requests, s.creates)
	p.entries(requests)
	if len(spending) > 0 {
		p.ledgers(spending)
	}
	_, err := execFast(ctx, c, s.batch, p, func(values [][]byte) error {
		row := rowReader{values: values}
		if ord := row.int64(); row.err == nil && ord >= 1 && ord <= int64(len(written)) {
			written[ord-1] = true
			return nil
		}
		return errRow
	})
	return err
}

// loadFast is loadPlain on the fast path.
func (s *Store) loadFast(ctx context.Context, sql string, list []*loading) error {
	p := newParams(1, 64*len(list))
	if sql == s.loadSQL[0] {
		p.text(list[0].id)
	} else {
		p.texts(len(list), func(i int) string { return list[i].id })
	}
	_, err := onConn(ctx, s, func(ctx context.Context, c *pgx.Conn) (pgconn.CommandTag, error) {
		return execFast(ctx, c, sql, p, func(values [][]byte) error {
			r, err := decodeRecord(values)
			if err == nil {
				fill(list, r)
			}
			return err
		})
	})
	return err
}
