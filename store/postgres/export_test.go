package postgres

import (
	"context"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/carrierfsm/carrierfsm"
)

// Pair is what one caller hands to Commit or Create.
type Pair struct {
	Record  carrierfsm.Record
	Entries []carrierfsm.Entry
}

// CommitTogether commits in one statement, whatever the names.
func (s *Store) CommitTogether(ctx context.Context, pairs ...Pair) []error {
	return s.commits.write(ctx, draftsOf(pairs))
}

// SendTogether commits in one statement and reports what that alone said.
func (s *Store) SendTogether(ctx context.Context, pairs ...Pair) ([]error, error) {
	return s.commits.send(ctx, s.pool, draftsOf(pairs))
}

// ErrAgain asks for another try.
var ErrAgain = errAgain

// WhyNot is what a commit is told that was refused.
func (s *Store) WhyNot(ctx context.Context, p Pair) error {
	verdicts := make([]error, 1)
	s.commits.keyed.explain(ctx, s.pool, draftsOf([]Pair{p}), []bool{false}, verdicts)
	return verdicts[0]
}

// CreateTogether creates in one statement, whatever the names.
func (s *Store) CreateTogether(ctx context.Context, pairs ...Pair) []error {
	return s.creates.write(ctx, draftsOf(pairs))
}

func draftsOf(pairs []Pair) (drafts []draft) {
	for _, p := range pairs {
		drafts = append(drafts, draft{p.Record, p.Entries})
	}
	return drafts
}

// The statements whose plans are looked at.
const (
	ReadDue       = readDue
	SurveyRecords = surveyRecords
	SurveyEntries = surveyEntries
)

// Cursor is what a cursor's row holds, and what a snapshot adds to it.
type Cursor struct{ mark }

// NewCursor begins at the beginning.
func NewCursor() *Cursor { return new(Cursor) }

// Visible tells which of the places a read returns, in order.
func (c *Cursor) Visible(places []int64, limit int) (batch []int64) {
	for _, place := range places {
		seen := place > c.position
		for _, h := range c.holes {
			seen = seen || h.low <= place && place <= h.high
		}
		if seen && len(batch) < limit {
			batch = append(batch, place)
		}
	}
	return batch
}

// Advance passes the first n places of a batch that a snapshot showed, in a
// transaction with the given id, which has read the last place drawn.
func (c *Cursor) Advance(batch []int64, n, limit int, xmin, last, id int64) {
	entries := make([]carrierfsm.Entry, len(batch))
	for i, place := range batch {
		entries[i].Position = place
	}
	c.xmin, c.full = xmin, len(batch) >= limit
	c.mark = c.behind(entries, n)
	for i := range c.holes {
		if c.holes[i].bound == unbound {
			c.holes[i].bound = id
		}
	}
	if c.bound == unbound {
		c.candidate, c.bound = last, id
	}
}

// Candidate is the latest place drawn that it has noted.
func (c *Cursor) Candidate() int64 { return c.candidate }

// Holes is how many holes it remembers.
func (c *Cursor) Holes() int { return len(c.holes) }

// Gaps is how many gaps a new cursor remembers that looks so far back.
func (s *Store) Gaps(ctx context.Context, back int64) (int, error) {
	gaps, _, err := latest(ctx, s.pool, back)
	return len(gaps), err
}

// Pool is the host's.
func (s *Store) Pool() *pgxpool.Pool { return s.pool }

// LoadAlone is Load by a statement of its own.
func (s *Store) LoadAlone(ctx context.Context, id string) (carrierfsm.Record, error) {
	l := &loading{id: id}
	err := s.loadOne(ctx, l)
	return l.record, err
}

// LoadTogether loads by one statement, and tells how each went.
func (s *Store) LoadTogether(ctx context.Context, ids ...string) ([]carrierfsm.Record, []error) {
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

// RecordOf reads a row as a load does.
func RecordOf(values [][]byte) (carrierfsm.Record, error) { return wholeRecordOf(values) }

// ErrRow is that of a row that can't be one.
var ErrRow = errRow

// Hot are the statements of writes and loads, alone and together.
func (s *Store) Hot() (list []string) {
	for _, of := range []statements{s.commits.free, s.commits.keyed, s.creates.free} {
		list = append(list, of.bare, of.one, of.several, of.many)
	}
	return append(list, loadRecord, loadMany)
}
