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

// loader loads on a connection, by the driver's own interface; ownWriter says
// why. It is used by one at a time.
type loader struct {
	conn *sql.Conn
	load driver.Stmt // of conn
	row  recordRow
}

// recordRow is a row as loadRecord returns it.
type recordRow [14]driver.Value

func newLoader(ctx context.Context, conn *sql.Conn) (*loader, error) {
	l := &loader{conn: conn}
	err := conn.Raw(func(raw any) (err error) {
		l.load, err = prepareOn(ctx, raw, loadRecord)
		return err
	})
	return l, err
}

// get loads the record.
func (l *loader) get(id string) (r carrierfsm.Record, err error) {
	err = l.conn.Raw(func(any) error {
		r, err = l.query(id)
		return err
	})
	return r, err
}

func (l *loader) query(id string) (r carrierfsm.Record, err error) {
	defer clear(l.row[:]) // the body is the caller's
	rows, err := l.load.(driver.StmtQueryContext).QueryContext(context.Background(), []driver.NamedValue{{Ordinal: 1, Value: id}})
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

var errType = errors.New("carrierfsm/sqlite: a column holds another type than this package has written")

func (row *recordRow) record() (r carrierfsm.Record, err error) {
	text := func(i int) string {
		s, ok := row[i].(string)
		if !ok {
			err = errType
		}
		return s
	}
	number := func(i int) int64 {
		n, ok := row[i].(int64)
		if !ok {
			err = errType
		}
		return n
	}
	bytes := func(i int) []byte {
		b, ok := row[i].([]byte)
		if !ok {
			err = errType
		}
		return b
	}
	if body, ok := row[13].(string); ok { // somebody has mended it by hand
		row[13] = []byte(body)
	}
	r = carrierfsm.Record{
		ID: text(0), State: carrierfsm.State(text(1)), Step: int(number(2)), Version: number(3), Table: int(number(4)),
		Source: text(5), Reason: carrierfsm.Event(text(6)), InFlight: number(7) != 0,
		Due: moment(number(8)), Created: moment(number(9)), Updated: moment(number(10)), Key: text(11), Body: bytes(13),
	}
	copy(r.CommitID[:], bytes(12))
	if err != nil {
		return carrierfsm.Record{}, err
	}
	return r, nil
}

// close finalizes the statement. The connection is another's to close.
func (l *loader) close() error {
	return l.conn.Raw(func(any) error { return closeAll([]driver.Stmt{l.load}) })
}

// loaders are those of a store.
type loaders struct {
	turns chan struct{} // as many as are at work
	mu    sync.Mutex
	idle  []*loader
}

// newLoaders takes their connections from the pool for good.
func newLoaders(ctx context.Context, pool *sql.DB, n int) (*loaders, error) {
	list := &loaders{turns: make(chan struct{}, n)}
	for range n {
		conn, err := pool.Conn(ctx)
		if err != nil {
			return list, err
		}
		l, err := newLoader(ctx, conn)
		list.idle = append(list.idle, l)
		if err != nil {
			return list, err
		}
	}
	return list, nil
}

// get loads the record. What a loader does takes no time, so ctx ends only the
// waiting for one.
func (list *loaders) get(ctx context.Context, id string) (carrierfsm.Record, error) {
	select {
	case list.turns <- struct{}{}:
		defer func() { <-list.turns }()
	case <-ctx.Done():
		return carrierfsm.Record{}, ctx.Err()
	}
	l := list.take()
	defer list.put(l)
	return l.get(id)
}

// take takes the one that was at work last. Each commit makes a connection
// read all pages anew; so the fewer are used, the less there is to read.
func (list *loaders) take() *loader {
	list.mu.Lock()
	defer list.mu.Unlock()
	last := len(list.idle) - 1
	l := list.idle[last]
	list.idle = list.idle[:last]
	return l
}

func (list *loaders) put(l *loader) {
	list.mu.Lock()
	defer list.mu.Unlock()
	list.idle = append(list.idle, l)
}

// close gives the connections back.
func (list *loaders) close() error {
	var errs []error
	for _, l := range list.idle {
		errs = append(errs, l.close(), l.conn.Close())
	}
	return errors.Join(errs...)
}
