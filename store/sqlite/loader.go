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

// loader is a connection that nothing is done on but to load, by the driver's
// own interface; ownWriter says why.
type loader struct {
	conn *sql.Conn
	load driver.Stmt // of conn
	row  [14]driver.Value
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
		l := new(loader)
		var err error
		if l.conn, err = pool.Conn(ctx); err != nil {
			return list, err
		}
		list.idle = append(list.idle, l)
		err = l.conn.Raw(func(conn any) (err error) {
			l.load, err = prepareOn(ctx, conn, loadRecord)
			return err
		})
		if err != nil {
			return list, err
		}
	}
	return list, nil
}

// get loads the record. What a loader does takes no time, so ctx ends only the
// waiting for one.
func (list *loaders) get(ctx context.Context, id string) (r carrierfsm.Record, err error) {
	if err := ctx.Err(); err != nil {
		return r, err
	}
	select {
	case list.turns <- struct{}{}:
		defer func() { <-list.turns }()
	case <-ctx.Done():
		return r, ctx.Err()
	}
	l := list.take()
	defer list.put(l)
	err = l.conn.Raw(func(any) error {
		r, err = l.get(id)
		return err
	})
	return r, err
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

func (l *loader) get(id string) (r carrierfsm.Record, err error) {
	defer clear(l.row[:]) // the body is the caller's
	rows, err := l.load.(driver.StmtQueryContext).QueryContext(context.Background(), []driver.NamedValue{{Ordinal: 1, Value: id}})
	if err != nil {
		return r, err
	}
	switch err = rows.Next(l.row[:]); {
	case errors.Is(err, io.EOF):
		err = carrierfsm.ErrNotFound
	case err == nil:
		r = recordOf(&l.row)
	}
	return r, errors.Join(err, rows.Close())
}

// recordOf is a row as loadRecord returns it. The types are those that
// SQLite gives back, since ours is all that writes to the table.
func recordOf(row *[14]driver.Value) carrierfsm.Record {
	r := carrierfsm.Record{
		ID: text(row[0]), State: carrierfsm.State(text(row[1])), Step: int(number(row[2])), Version: number(row[3]), Table: int(number(row[4])),
		Source: text(row[5]), Reason: carrierfsm.Event(text(row[6])), InFlight: number(row[7]) != 0,
		Due: moment(number(row[8])), Created: moment(number(row[9])), Updated: moment(number(row[10])), Key: text(row[11]),
	}
	id, _ := row[12].([]byte)
	copy(r.CommitID[:], id)
	r.Body, _ = row[13].([]byte)
	return r
}

func text(v driver.Value) string {
	s, _ := v.(string)
	return s
}

func number(v driver.Value) int64 {
	n, _ := v.(int64)
	return n
}

// close gives the connections back.
func (list *loaders) close() error {
	var errs []error
	for _, l := range list.idle {
		err := l.conn.Raw(func(any) error { return closeAll([]driver.Stmt{l.load}) })
		errs = append(errs, err, l.conn.Close())
	}
	return errors.Join(errs...)
}
