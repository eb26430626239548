package postgres

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/carrierfsm/carrierfsm/internal/ttlmap"
)

// With a synchronous standby, a commit that is visible on the primary may still be
// lost in a failover: its wait for the standby was cancelled, or the primary
// restarted during the wait. What may be such a commit is not read before a later
// commit, which waits for the standby too, has proved that everything before it is
// there.

// barrier is raised when a read must be preceded by such a commit. Its zero value is
// not raised.
type barrier struct{ raised, proved atomic.Int64 } // how often it was raised; up to which of these it was proved

func (b *barrier) raise() { b.raised.Add(1) }

func (b *barrier) isRaised() bool { return b.proved.Load() < b.raised.Load() }

// pass commits something if the barrier is raised.
func (s *Store) pass(ctx context.Context, b *barrier) error {
	n := b.raised.Load()
	if b.proved.Load() >= n {
		return nil
	}
	if _, err := s.exec(ctx, commitNothing); err != nil {
		return wrap(err)
	}
	for old := b.proved.Load(); old < n && !b.proved.CompareAndSwap(old, n); old = b.proved.Load() {
	}
	return nil
}

// commitNothing has no effect but that its commit waits for the standby.
const commitNothing = `SELECT pg_logical_emit_message(true, 'carrierfsm', '')`

// commitRecord writes a record unchanged. It also waits for a statement that still
// has the record locked.
const commitRecord = `UPDATE carrierfsm_verifications SET commit_id = commit_id WHERE id = $1::text`

// doubtLasts is how long it is remembered that the outcome of a write is unknown.
// What the server still completes is long completed by then.
const doubtLasts = time.Hour

// doubts are the verifications whose latest write has an unknown outcome. A number
// tells a doubt from a later one about the same verification.
type doubts struct {
	mu   sync.Mutex
	last int64
	ids  *ttlmap.Map[int64]
}

func newDoubts() *doubts { return &doubts{ids: ttlmap.New(func(int64) {})} }

func (d *doubts) add(id string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.last++
	d.ids.Put(id, d.last, doubtLasts)
}

// about returns the doubt about a verification, or 0.
func (d *doubts) about(id string) int64 {
	n, _ := d.ids.Get(id, func(n int64) int64 { return n })
	return n
}

// settle removes a doubt, but not a later one.
func (d *doubts) settle(id string, n int64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.about(id) == n {
		d.ids.Delete(id)
	}
}

// noteOutcome notes whether the outcome of a write of a verification is unknown.
func (s *Store) noteOutcome(id string, err error) {
	if isUnknown(err) {
		s.doubts.add(id)
	}
}

// outboxWrote notes whether the outcome of a write of the outbox is unknown.
func (s *Store) outboxWrote(err error) error {
	if isUnknown(err) {
		s.outboxWrites.raise()
	}
	return wrap(err)
}

// confirm settles the outcome of a verification's latest write if it is unknown. It
// must be called before the verification is read.
func (s *Store) confirm(ctx context.Context, id string) error {
	doubt := s.doubts.about(id)
	if doubt == 0 {
		return nil
	}
	found, err := written(ctx, s, func(ctx context.Context, c *pgx.Conn) (bool, error) {
		tag, err := c.Exec(ctx, commitRecord, id)
		if err == nil && tag.RowsAffected() == 0 {
			_, err = c.Exec(ctx, commitNothing)
		}
		return tag.RowsAffected() > 0, err
	})
	if err == nil && found { // else the write may still come
		s.doubts.settle(id, doubt)
	}
	return wrap(err)
}
