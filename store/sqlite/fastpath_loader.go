package sqlite

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"io"
	"sync"

	"github.com/carrierfsm/carrierfsm"
)

// The fast path of Load, in a store made by Open. It replaces prepared.load and
// scanRecordWithBody: it calls the statement of the driver directly and not
// through database/sql. That saves about 15 % of the CPU time of a load, and a load
// can use the writer's connection, whose cache is current.
//
// TestTheFastPathAndDatabaseSQLStoreTheSameRows holds it equal to the plain way.

// loader loads records on one connection. Only one goroutine at a time may use
// it.
type loader struct {
	conn *sql.Conn
	stmt driver.Stmt // loadRecord, of conn
	row  recordRow
}

// recordRow is a row as loadRecord returns it.
type recordRow [14]driver.Value

func newLoader(ctx context.Context, conn *sql.Conn) (*loader, error) {
	l := &loader{conn: conn}
	err := conn.Raw(func(raw any) (err error) {
		l.stmt, err = prepareOn(ctx, raw, loadRecord)
		return err
	})
	return l, err
}

// load returns the record with this id, or ErrNotFound.
func (l *loader) load(id string) (r carrierfsm.Record, err error) {
	err = l.conn.Raw(func(any) error {
		r, err = l.query(id)
		return err
	})
	return r, err
}

func (l *loader) query(id string) (r carrierfsm.Record, err error) {
	defer clear(l.row[:]) // the body belongs to the caller
	rows, err := l.stmt.(driver.StmtQueryContext).QueryContext(context.Background(), []driver.NamedValue{{Ordinal: 1, Value: id}})
	if err != nil {
		return r, err
	}
	defer func() { _ = rows.Close() }() // nothing was written
	if err = rows.Next(l.row[:]); errors.Is(err, io.EOF) {
		return r, carrierfsm.ErrNotFound
	} else if err != nil {
		return r, err
	}
	return l.row.record()
}

var errColumnType = errors.New("carrierfsm/sqlite: a column has a type that this package does not write")

func (row *recordRow) record() (r carrierfsm.Record, err error) {
	text := func(i int) string {
		s, ok := row[i].(string)
		if !ok {
			err = errColumnType
		}
		return s
	}
	number := func(i int) int64 {
		n, ok := row[i].(int64)
		if !ok {
			err = errColumnType
		}
		return n
	}
	bytes := func(i int) []byte {
		b, ok := row[i].([]byte)
		if !ok {
			err = errColumnType
		}
		return b
	}
	if body, ok := row[13].(string); ok { // an operator repaired it by hand
		row[13] = []byte(body)
	}
	r = carrierfsm.Record{
		ID: text(0), State: carrierfsm.State(text(1)), Step: int(number(2)), Version: number(3), Table: int(number(4)),
		Source: text(5), Reason: carrierfsm.Event(text(6)), InFlight: number(7) != 0,
		Due: timeOf(number(8)), Created: timeOf(number(9)), Updated: timeOf(number(10)), Key: text(11), Body: bytes(13),
	}
	copy(r.CommitID[:], bytes(12))
	if err != nil {
		return carrierfsm.Record{}, err
	}
	return r, nil
}

// close closes the statement, but not the connection.
func (l *loader) close() error {
	return l.conn.Raw(func(any) error { return closeAll([]driver.Stmt{l.stmt}) })
}

// loaderPool has the loaders of a store.
type loaderPool struct {
	busy chan struct{} // one element for each loader in use
	mu   sync.Mutex
	idle []*loader
}

// newLoaderPool makes n loaders. It takes their connections out of the pool until
// close.
func newLoaderPool(ctx context.Context, pool *sql.DB, n int) (*loaderPool, error) {
	p := &loaderPool{busy: make(chan struct{}, n)}
	for range n {
		conn, err := pool.Conn(ctx)
		if err != nil {
			return p, err
		}
		l, err := newLoader(ctx, conn)
		p.idle = append(p.idle, l)
		if err != nil {
			return p, err
		}
	}
	return p, nil
}

// load returns the record with this id, or ErrNotFound. ctx and closing limit only
// how long it waits for a loader; the load itself is short.
func (p *loaderPool) load(ctx context.Context, closing <-chan struct{}, id string) (carrierfsm.Record, error) {
	select {
	case p.busy <- struct{}{}:
		defer func() { <-p.busy }()
	case <-ctx.Done():
		return carrierfsm.Record{}, ctx.Err()
	case <-closing:
		return carrierfsm.Record{}, carrierfsm.ErrClosed
	}
	l := p.get()
	defer p.put(l)
	return l.load(id)
}

// get returns the loader that was used last. After a commit each connection has
// to read its cached pages again, so few connections in use read less.
func (p *loaderPool) get() *loader {
	p.mu.Lock()
	defer p.mu.Unlock()
	last := len(p.idle) - 1
	l := p.idle[last]
	p.idle = p.idle[:last]
	return l
}

func (p *loaderPool) put(l *loader) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.idle = append(p.idle, l)
}

// close returns the connections to their pool.
func (p *loaderPool) close() error {
	var errs []error
	for _, l := range p.idle {
		errs = append(errs, l.close(), l.conn.Close())
	}
	return errors.Join(errs...)
}
