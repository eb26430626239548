package baseline

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync"

	_ "modernc.org/sqlite" // the driver "sqlite"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/bench/measure/subject"
	"github.com/carrierfsm/carrierfsm/bench/measure/workload"
)

// sqliteStore writes on one connection, with statements that are prepared once, and
// reads on others.
type sqliteStore struct {
	writer, reader *sql.DB
	conn           *sql.Conn
	prepared       map[string]*sql.Stmt // of conn
	loadStatement  *sql.Stmt
	mu             sync.Mutex            // of conn
	batcher        *batcher[workload.Op] // nil without batching
	commitCount    int
}

// maxBatch is the largest number of commits in a transaction.
const maxBatch = 256

func openSQLite(grouped bool) func(context.Context, subject.Storage) (store, error) {
	return func(ctx context.Context, p subject.Storage) (_ store, err error) {
		s := &sqliteStore{prepared: make(map[string]*sql.Stmt)}
		defer func() {
			if err != nil {
				err = errors.Join(err, s.close())
			}
		}()
		if err := s.open(ctx, p); err != nil {
			return nil, err
		}
		if grouped {
			s.batcher = newBatcher(1, maxBatch, s.writeAll)
		}
		return s, nil
	}
}

func (s *sqliteStore) open(ctx context.Context, p subject.Storage) (err error) {
	pragmas := "file:" + p.File + "?_pragma=busy_timeout(5000)&_pragma=journal_mode(WAL)&_pragma=secure_delete(1)&_pragma=synchronous(" + p.Medium.Synchronous() + ")"
	if s.writer, err = sql.Open("sqlite", pragmas+"&_pragma=cache_size(-65536)"); err != nil {
		return err
	}
	if s.reader, err = sql.Open("sqlite", pragmas+"&_pragma=cache_size(-8192)&_pragma=query_only(1)"); err != nil {
		return err
	}
	s.reader.SetMaxOpenConns(4)
	s.reader.SetMaxIdleConns(4)
	if s.conn, err = s.writer.Conn(ctx); err != nil {
		return err
	}
	if _, err = s.conn.ExecContext(ctx, sqliteTables); err != nil {
		return err
	}
	for _, text := range []string{"BEGIN IMMEDIATE", "COMMIT", sqliteInsert, sqliteUpdate, sqliteInsertBody, sqliteUpdateBody, sqliteHistory} {
		if s.prepared[text], err = s.conn.PrepareContext(ctx, text); err != nil {
			return err
		}
	}
	s.loadStatement, err = s.reader.PrepareContext(ctx, sqliteLoad)
	return err
}

func (s *sqliteStore) exec(ctx context.Context, text string, args ...any) error {
	_, err := s.prepared[text].ExecContext(ctx, args...)
	return err
}

func (s *sqliteStore) write(ctx context.Context, op *workload.Op) error {
	if s.batcher != nil {
		return s.batcher.do(op)
	}
	return s.writeAll(ctx, []*workload.Op{op})
}

// writeAll writes all in one transaction.
func (s *sqliteStore) writeAll(ctx context.Context, list []*workload.Op) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.exec(ctx, "BEGIN IMMEDIATE"); err != nil {
		return err
	}
	for _, op := range list {
		if err := s.writeOne(ctx, op); err != nil {
			return err // the transaction stays open: the measurement has failed
		}
	}
	s.commitCount += len(list)
	return s.exec(ctx, "COMMIT")
}

func (s *sqliteStore) writeOne(ctx context.Context, op *workload.Op) error {
	r, body := &op.Record, sqliteUpdateBody
	args := []any{
		string(r.State), r.Step, r.Version, r.Table, r.Source, string(r.Reason), r.InFlight,
		micros(r.Due), r.Updated.UnixMicro(), r.Key, r.CommitID[:],
	}
	if op.What == workload.Create {
		body = sqliteInsertBody
		if err := s.exec(ctx, sqliteInsert, append(args, r.Created.UnixMicro(), r.ID)...); err != nil {
			return err
		}
	} else if err := s.update(ctx, append(args, r.ID, r.Version-1)); err != nil {
		return err
	}
	if err := s.exec(ctx, body, r.Body, r.ID); err != nil {
		return err
	}
	for i := range op.Entries {
		e := &op.Entries[i]
		if err := s.exec(ctx, sqliteHistory, e.ID, e.Step, string(e.From), string(e.Event), string(e.To), e.At.UnixMicro(), e.Detail); err != nil {
			return err
		}
	}
	return nil
}

func (s *sqliteStore) update(ctx context.Context, args []any) error {
	result, err := s.prepared[sqliteUpdate].ExecContext(ctx, args...)
	if err != nil {
		return err
	}
	if n, err := result.RowsAffected(); err != nil || n != 1 {
		return fmt.Errorf("%w (%w)", errVersion, err)
	}
	return nil
}

func (s *sqliteStore) load(ctx context.Context, id string) (r carrierfsm.Record, err error) {
	var due, created, updated int64
	var commit []byte
	err = s.loadStatement.QueryRowContext(ctx, id).Scan(&r.ID, &r.State, &r.Step, &r.Version, &r.Table, &r.Source, &r.Reason, &r.InFlight,
		&due, &created, &updated, &r.Key, &commit, &r.Body)
	return r, err
}

func (s *sqliteStore) count(ctx context.Context) (left subject.Counts, err error) {
	err = s.reader.QueryRowContext(ctx, sqliteCount).Scan(&left.Verifications, &left.Done, &left.Transitions)
	s.mu.Lock()
	defer s.mu.Unlock()
	left.Commits = s.commitCount
	return left, err
}

const sqliteCount = `SELECT count(*), count(CASE WHEN state = 'done' THEN 1 END), (SELECT count(*) FROM history) FROM hot`

func (s *sqliteStore) close() error {
	if s.batcher != nil {
		s.batcher.close()
	}
	var errs []error
	for _, statement := range s.prepared {
		errs = append(errs, statement.Close())
	}
	if s.loadStatement != nil {
		errs = append(errs, s.loadStatement.Close())
	}
	if s.conn != nil {
		errs = append(errs, s.conn.Close())
	}
	for _, db := range []*sql.DB{s.reader, s.writer} {
		if db != nil {
			errs = append(errs, db.Close())
		}
	}
	return errors.Join(errs...)
}
