package baseline

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/bench/measure/subject"
	"github.com/carrierfsm/carrierfsm/bench/measure/workload"
)

// batching selects the operations that run in batches.
type batching struct{ writes, loads bool }

// postgresStore writes by one statement for each operation, or for each batch.
type postgresStore struct {
	pool             *pgxpool.Pool
	creates, commits *batcher[workload.Op] // nil without batching
	loads            *batcher[loadCall]
	commitCount      atomic.Int64
}

// loadCall is a load with its result.
type loadCall struct {
	id     string
	record carrierfsm.Record
}

const (
	pgPool     = 10 // connections
	pgWorkers  = 1  // batches at the same time
	pgMaxBatch = 128
)

func openPostgres(g batching) func(context.Context, subject.Storage) (store, error) {
	return func(ctx context.Context, p subject.Storage) (store, error) {
		config, err := pgxpool.ParseConfig(p.DSN)
		if err != nil {
			return nil, err
		}
		config.MaxConns = pgPool
		pool, err := pgxpool.NewWithConfig(ctx, config)
		if err != nil {
			return nil, err
		}
		if _, err := pool.Exec(ctx, postgresTables); err != nil {
			pool.Close()
			return nil, err
		}
		s := &postgresStore{pool: pool}
		if g.writes {
			s.creates = newBatcher(1, pgMaxBatch, s.createMany)
			s.commits = newBatcher(pgWorkers, pgMaxBatch, s.commitMany)
		}
		if g.loads {
			s.loads = newBatcher(pgWorkers, pgMaxBatch, s.loadMany)
		}
		return s, nil
	}
}

func (s *postgresStore) write(ctx context.Context, op *workload.Op) error {
	switch create := op.What == workload.Create; {
	case s.commits == nil:
		return s.writeOne(ctx, op)
	case create:
		return s.creates.do(op)
	default:
		return s.commits.do(op)
	}
}

func (s *postgresStore) writeOne(ctx context.Context, op *workload.Op) error {
	sql, args, rows := pgUpdate, updateArgs(&op.Record), int64(1)
	switch n := len(op.Entries); {
	case op.What == workload.Create && n > 0:
		return fmt.Errorf("baseline: a creation with %d transitions is not supported", n)
	case op.What == workload.Create:
		sql, args = pgInsert, insertArgs(&op.Record)
	case n == 1:
		sql, args = pgUpdateOne, append(args, entryArgs(&op.Entries[0])...)
	case n > 1:
		e := columnsOf([]*workload.Op{op}).entries
		sql, args, rows = pgUpdateSeveral, append(args, e.steps, e.from, e.events, e.to, e.at, e.details), int64(n)
	}
	tag, err := s.pool.Exec(ctx, sql, args...)
	if err == nil && tag.RowsAffected() != rows {
		err = errVersion
	}
	s.commitCount.Add(1)
	return err
}

func (s *postgresStore) createMany(ctx context.Context, list []*workload.Op) error {
	c := columnsOf(list)
	_, err := s.pool.Exec(ctx, pgInsertMany, c.records()...)
	s.commitCount.Add(int64(len(list)))
	return err
}

func (s *postgresStore) commitMany(ctx context.Context, list []*workload.Op) error {
	if len(list) == 1 {
		return s.writeOne(ctx, list[0])
	}
	c, n := columnsOf(list), 0
	err := s.pool.QueryRow(ctx, pgUpdateMany, c.all()...).Scan(&n)
	if err == nil && n != len(list) {
		err = errVersion
	}
	s.commitCount.Add(int64(len(list)))
	return err
}

func (s *postgresStore) load(ctx context.Context, id string) (carrierfsm.Record, error) {
	l := &loadCall{id: id}
	if s.loads != nil {
		err := s.loads.do(l)
		return l.record, err
	}
	err := s.loadOne(ctx, l)
	return l.record, err
}

func (s *postgresStore) loadOne(ctx context.Context, l *loadCall) error {
	return scan(s.pool.QueryRow(ctx, pgLoad, l.id), &l.record)
}

func (s *postgresStore) loadMany(ctx context.Context, list []*loadCall) error {
	if len(list) == 1 {
		return s.loadOne(ctx, list[0])
	}
	ids, by := make([]string, len(list)), make(map[string]*loadCall, len(list))
	for i, l := range list {
		ids[i], by[l.id] = l.id, l
	}
	rows, err := s.pool.Query(ctx, pgLoadMany, ids)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var r carrierfsm.Record
		if err := scan(rows, &r); err != nil {
			return err
		}
		by[r.ID].record = r
	}
	return rows.Err()
}

func scan(row pgx.Row, r *carrierfsm.Record) error {
	var due *time.Time
	var commit []byte
	return row.Scan(&r.ID, &r.Version, &r.Step, &r.Table, &r.InFlight, &due, &r.Created, &r.Updated, &commit,
		&r.State, &r.Source, &r.Reason, &r.Key, &r.Body)
}

func (s *postgresStore) count(ctx context.Context) (left subject.Counts, err error) {
	const query = `SELECT count(*), count(*) FILTER (WHERE state = 'done'), (SELECT count(*) FROM history) FROM wide`
	err = s.pool.QueryRow(ctx, query).Scan(&left.Verifications, &left.Done, &left.Transitions)
	left.Commits = int(s.commitCount.Load())
	return left, err
}

func (s *postgresStore) close() error {
	if s.commits != nil {
		s.creates.close()
		s.commits.close()
	}
	if s.loads != nil {
		s.loads.close()
	}
	s.pool.Close()
	return nil
}
