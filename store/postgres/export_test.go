package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/store/internal/write"
)

// CommitBatch commits the requests in one statement, whatever they lock.
func (s *Store) CommitBatch(ctx context.Context, requests ...write.Request) []error {
	return s.commits.writeBatch(ctx, requests)
}

// Acquired returns how many connections are in use.
func (s *Store) Acquired() int { return int(s.pool.Stat().AcquiredConns()) }

// SendBatch runs the statement of CommitBatch once and returns its refusals.
func (s *Store) SendBatch(ctx context.Context, requests ...write.Request) ([]error, error) {
	return runWrite(ctx, s, func(ctx context.Context, c *pgx.Conn) ([]error, error) { return s.commits.sendBatch(ctx, c, requests) })
}

// CreateBatch creates the records in one statement, whatever they lock.
func (s *Store) CreateBatch(ctx context.Context, requests ...write.Request) []error {
	return s.creates.writeBatch(ctx, requests)
}

// ReadPending returns the statement of Pending, and the one before it in its transaction.
func (s *Store) ReadPending() (before, sql string) {
	return byIndex, s.guarded(readPending, whereLease)
}

// WithLateAnswer sets how long after the end of a context an answer is awaited.
func WithLateAnswer(d time.Duration) Option { return func(s *Store) { s.lateAnswer = d } }

// WithDrain sets for how long a connection that was given up is read, and for how long it
// counts if no answer came.
func WithDrain(drained, abandoned time.Duration) Option {
	return func(s *Store) { s.drainedFor, s.abandonedFor = drained, abandoned }
}

// Running returns how many writes run, with those that were given up and are still read.
func (s *Store) Running() int {
	s.writes.mu.Lock()
	defer s.writes.mu.Unlock()
	return len(s.writes.running)
}

// Pooled returns whether the store takes its connections for those of a pooler.
func (s *Store) Pooled() bool { return s.pooled.Load() }

// Abandoned returns how many connections have left the pool.
func (s *Store) Abandoned() int {
	s.writes.mu.Lock()
	defer s.writes.mu.Unlock()
	return s.writes.abandoned
}

// MaxWrites is how many commits run at the same time before they are batched.
const MaxWrites = maxWrites

// ErrRetry is the refusal that asks for another try.
var ErrRetry = errRetry

// WhyNot returns why a commit was refused.
func (s *Store) WhyNot(ctx context.Context, r write.Request) error {
	list := make([]error, 1)
	s.commits.withKey.explain(ctx, s.pool, []write.Request{r}, []bool{false}, list)
	return list[0]
}

// ListQuery and ActsQuery return the queries of List and Acts.
var (
	ListQuery = listQuery
	ActsQuery = actsQuery
)

// Statements whose plans the tests read.
const (
	ReadDue       = readDue
	SurveyRecords = surveyRecords
	SurveyEntries = surveyEntries
)

// CommonStatements returns the statements of writes and loads.
func (s *Store) CommonStatements() (list []string) {
	for _, of := range []writeSQL{
		s.commits.withoutKey, s.commits.withKey, s.commits.spending.exists, s.commits.spending.missing,
		s.creates.withoutKey, s.creates.spending.exists, s.creates.spending.missing,
	} {
		list = append(list, of.noEntry, of.oneEntry, of.severalEntries, of.batch)
	}
	return append(list, s.loadSQL[0], s.loadSQL[1], readLedgers)
}

// Cursor is a cursor, with what a snapshot showed.
type Cursor struct{ cursor }

// NewCursor returns a cursor at the beginning.
func NewCursor() *Cursor { return new(Cursor) }

// Visible returns which of the positions a read returns, in order.
func (c *Cursor) Visible(positions []int64, limit int) (batch []int64) {
	for _, position := range positions {
		visible := position > c.position
		for _, g := range c.gaps {
			visible = visible || g.low <= position && position <= g.high
		}
		if visible && len(batch) < limit {
			batch = append(batch, position)
		}
	}
	return batch
}

// Advance passes the first n positions of a batch. xmin is that of the snapshot
// which showed the batch. id is that of the transaction which advances the cursor,
// and last is the latest position drawn that it has read.
func (c *Cursor) Advance(batch []int64, n, limit int, xmin, last, id int64) {
	entries := make([]carrierfsm.Entry, len(batch))
	for i, position := range batch {
		entries[i].Position = position
	}
	c.xmin, c.full = xmin, len(batch) >= limit
	c.cursor = c.advanced(entries, n)
	for i := range c.gaps {
		if c.gaps[i].bound == noBound {
			c.gaps[i].bound = id
		}
	}
	if c.bound == noBound {
		c.candidate, c.bound = last, id
	}
}

// Candidate returns the latest position drawn that the cursor has stored.
func (c *Cursor) Candidate() int64 { return c.candidate }

// Gaps returns the number of gaps that the cursor stores.
func (c *Cursor) Gaps() int { return len(c.gaps) }

// NewestGaps returns the number of gaps that a new cursor stores with this
// lookback.
func (s *Store) NewestGaps(ctx context.Context, lookback int64) (int, error) {
	gaps, _, err := readNewestGaps(ctx, s.pool, lookback)
	return len(gaps), err
}

// Pool returns the store's pool.
func (s *Store) Pool() *pgxpool.Pool { return s.pool }

// LoadAlone loads a record in its own statement.
func (s *Store) LoadAlone(ctx context.Context, id string) (carrierfsm.Record, error) {
	l := &loading{id: id}
	err := s.loadOne(ctx, l)
	return l.record, err
}

// LoadBatch loads records in one statement and returns an error for each.
func (s *Store) LoadBatch(ctx context.Context, ids ...string) ([]carrierfsm.Record, []error) {
	list := make([]*loading, len(ids))
	for i, id := range ids {
		list[i] = &loading{id: id}
	}
	errs := s.loadAll(ctx, list)
	records := make([]carrierfsm.Record, len(ids))
	for i, l := range list {
		records[i] = l.record
	}
	return records, errs
}

// DecodeRecord decodes a row as the fast path does.
func DecodeRecord(values [][]byte) (carrierfsm.Record, error) { return decodeRecord(values) }

// ErrRow is the error of a row of the wrong shape.
var ErrRow = errRow

// Prepared returns the statements of the store's connection about the given table. With
// replanned, only those that the server plans each time.
func (s *Store) Prepared(ctx context.Context, table string, replanned bool) ([]string, error) {
	return collect(ctx, s.pool, pgx.RowTo[string],
		`SELECT statement FROM pg_prepared_statements WHERE statement LIKE '%' || $1::text || '%' AND (custom_plans > 5 OR NOT $2::boolean)`, table, replanned)
}

// MaxLedgers is how many ledgers a store remembers at most.
const MaxLedgers = maxLedgers

// RememberedLedgers returns how many ledgers the store remembers.
func (s *Store) RememberedLedgers() int { return s.ledgers.Len() }
