package byhand

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver "pgx"
	_ "modernc.org/sqlite"             // the driver "sqlite"

	"github.com/carrierfsm/carrierfsm/bench/measure/subject"
)

// row is one verification.
type row struct {
	id, state, token, website, account, message string
	version                                     int
}

// database has the host's tables. On SQLite it writes on one connection and reads on
// others, with statements that are prepared once; on PostgreSQL the driver prepares
// them automatically.
type database struct {
	read, write   *sql.DB
	prepared      map[string]*sql.Stmt // of write; empty on PostgreSQL
	loadStatement *sql.Stmt
	commitCount   atomic.Int64
}

const (
	insert        = `INSERT INTO verifications (id, state, version, token, website, account, message, created, updated) VALUES ($1, 'created', 0, '', '', '', '', $2, $2)`
	update        = `UPDATE verifications SET state = $1, version = $2, token = $3, website = $4, account = $5, message = $6, updated = $7 WHERE id = $8 AND version = $9`
	insertHistory = `INSERT INTO history (id, step, from_, event, to_, at, message) VALUES ($1, $2, $3, $4, $5, $6, $7)`
	insertOutbox  = `INSERT INTO outbox (id, step, event) VALUES ($1, $2, $3)`
	find          = `SELECT id, state, version, token, website, account, message FROM verifications WHERE id = $1`
)

// tables are the same in both dialects, except for the type of the outbox's position.
const tables = `
CREATE TABLE verifications (id TEXT NOT NULL PRIMARY KEY, state TEXT NOT NULL, version BIGINT NOT NULL, token TEXT NOT NULL,
	website TEXT NOT NULL, account TEXT NOT NULL, message TEXT NOT NULL, created BIGINT NOT NULL, updated BIGINT NOT NULL);
CREATE TABLE history (id TEXT NOT NULL, step BIGINT NOT NULL, from_ TEXT NOT NULL, event TEXT NOT NULL, to_ TEXT NOT NULL,
	at BIGINT NOT NULL, message TEXT NOT NULL, PRIMARY KEY (id, step));
CREATE TABLE outbox (position %s, id TEXT NOT NULL, step BIGINT NOT NULL, event TEXT NOT NULL);`

func openDatabase(ctx context.Context, p subject.Storage) (_ *database, err error) {
	b := &database{prepared: make(map[string]*sql.Stmt)}
	defer func() {
		if err != nil {
			err = errors.Join(err, b.Close())
		}
	}()
	if p.Medium == subject.Postgres {
		return b, b.openPostgres(ctx, p)
	}
	return b, b.openSQLite(ctx, p)
}

func (b *database) openPostgres(ctx context.Context, p subject.Storage) (err error) {
	if b.write, err = sql.Open("pgx", p.DSN); err != nil {
		return err
	}
	b.write.SetMaxOpenConns(10)
	b.write.SetMaxIdleConns(10)
	b.read = b.write
	_, err = b.write.ExecContext(ctx, fmt.Sprintf(tables, "BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY"))
	return err
}

func (b *database) openSQLite(ctx context.Context, p subject.Storage) (err error) {
	dsn := "file:" + p.File + "?_txlock=immediate&_pragma=busy_timeout(5000)&_pragma=journal_mode(WAL)&_pragma=synchronous(" + p.Medium.Synchronous() + ")"
	if b.write, err = sql.Open("sqlite", dsn); err != nil {
		return err
	}
	b.write.SetMaxOpenConns(1)
	if b.read, err = sql.Open("sqlite", dsn); err != nil {
		return err
	}
	b.read.SetMaxOpenConns(4)
	b.read.SetMaxIdleConns(4)
	if _, err = b.write.ExecContext(ctx, fmt.Sprintf(tables, "INTEGER PRIMARY KEY AUTOINCREMENT")); err != nil {
		return err
	}
	for _, text := range []string{update, insertHistory, insertOutbox} {
		if b.prepared[text], err = b.write.PrepareContext(ctx, text); err != nil {
			return err
		}
	}
	b.loadStatement, err = b.read.PrepareContext(ctx, find)
	return err
}

// create inserts a row.
func (b *database) create(ctx context.Context, id string) error {
	_, err := b.write.ExecContext(ctx, insert, id, time.Now().UnixMicro())
	b.commitCount.Add(1)
	return err
}

func (b *database) load(ctx context.Context, id string) (r row, err error) {
	var found *sql.Row
	if b.loadStatement != nil {
		found = b.loadStatement.QueryRowContext(ctx, id)
	} else {
		found = b.read.QueryRowContext(ctx, find, id)
	}
	err = found.Scan(&r.id, &r.state, &r.version, &r.token, &r.website, &r.account, &r.message)
	return r, err
}

// commit writes the next version of a row with its history and outbox.
func (b *database) commit(ctx context.Context, r row, from, event string) error {
	tx, err := b.write.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }() // has no effect after Commit
	now := time.Now().UnixMicro()
	result, err := b.exec(ctx, tx, update, r.state, r.version, r.token, r.website, r.account, r.message, now, r.id, r.version-1)
	if err != nil {
		return err
	}
	if n, err := result.RowsAffected(); err != nil || n != 1 {
		return errors.Join(errors.New("byhand: version conflict"), err)
	}
	if _, err := b.exec(ctx, tx, insertHistory, r.id, r.version, from, event, r.state, now, r.message); err != nil {
		return err
	}
	if _, err := b.exec(ctx, tx, insertOutbox, r.id, r.version, event); err != nil {
		return err
	}
	b.commitCount.Add(1)
	return tx.Commit()
}

func (b *database) exec(ctx context.Context, tx *sql.Tx, text string, args ...any) (sql.Result, error) {
	if s := b.prepared[text]; s != nil {
		return tx.StmtContext(ctx, s).ExecContext(ctx, args...)
	}
	return tx.ExecContext(ctx, text, args...)
}

// Count implements subject.Subject. It returns an error if the outbox is not as long
// as the history.
func (b *database) Count(ctx context.Context) (left subject.Counts, err error) {
	const query = `SELECT count(*), count(CASE WHEN state = 'done' THEN 1 END), (SELECT count(*) FROM history), (SELECT count(*) FROM outbox) FROM verifications`
	var announced int
	err = b.read.QueryRowContext(ctx, query).Scan(&left.Verifications, &left.Done, &left.Transitions, &announced)
	left.Commits = int(b.commitCount.Load())
	if err == nil && announced != left.Transitions {
		err = fmt.Errorf("byhand: %d transitions in the outbox, %d in the history", announced, left.Transitions)
	}
	return left, err
}

// Close implements subject.Subject.
func (b *database) Close() error {
	var errs []error
	for _, s := range b.prepared {
		errs = append(errs, s.Close())
	}
	if b.loadStatement != nil {
		errs = append(errs, b.loadStatement.Close())
	}
	for _, db := range []*sql.DB{b.read, b.write} {
		if db != nil {
			errs = append(errs, db.Close())
		}
	}
	return errors.Join(errs...)
}
