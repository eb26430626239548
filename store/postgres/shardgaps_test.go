package postgres_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm/internal/pgtest"
	"github.com/carrierfsm/carrierfsm/outbox"
	"github.com/carrierfsm/carrierfsm/store/figures"
	"github.com/carrierfsm/carrierfsm/store/postgres"
)

// A cursor takes positions for settled by the id of the transaction that writes it. On a
// shard that transaction first looks at the epoch. It must not have an id by then: another
// one could get a higher id, and draw a position that the cursor then takes for settled.
func TestACursorOfAShardSkipsNoEntryThatIsCommittedLate(t *testing.T) {
	t.Parallel()
	parked := []outbox.Parked{{Handler: "reader", ID: "first", Step: 1, Upto: 1, Since: noon, Next: noon, Version: 1}}
	for name, move := range map[string]func(ctx context.Context, s *postgres.Store, l outbox.Lease, b outbox.Batch) error{
		"counting": func(ctx context.Context, s *postgres.Store, l outbox.Lease, b outbox.Batch) error {
			return s.Count(ctx, l, b, figures.Change{})
		},
		"parking": func(ctx context.Context, s *postgres.Store, l outbox.Lease, b outbox.Batch) error {
			return s.Advance(ctx, l, b, len(b.Entries), parked)
		},
		"a new cursor": func(ctx context.Context, s *postgres.Store, _ outbox.Lease, _ outbox.Batch) error {
			_, err := s.Acquire(ctx, "new", "owner", time.Hour, outbox.FromNow)
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx := t.Context()
			s, pool := openOn(t, pgtest.Pool(t, cluster.Cluster(t).NewDatabase(t), 8))
			require.NoError(t, s.SetShard(ctx, "a", 1, ""))
			s.BindShard(1)
			r := acquire(t, s, "reader", outbox.FromBeginning)
			first := begin(t, pool)
			appendEntry(t, first, "first")
			commit(t, first)
			b, err := s.Pending(ctx, r.lease, 10)
			require.NoError(t, err)
			require.Len(t, b.Entries, 1)

			hold := begin(t, pool)
			_, err = hold.Exec(ctx, `LOCK TABLE carrierfsm_history IN ACCESS EXCLUSIVE MODE`)
			require.NoError(t, err)
			moved := make(chan error, 1)
			go func() { moved <- move(ctx, s, r.lease, b) }()
			require.Eventually(t, func() bool {
				var waiting bool
				err := pool.QueryRow(ctx, `SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted AND relation = 'carrierfsm_history'::regclass)`).Scan(&waiting)
				return err == nil && waiting
			}, time.Minute, time.Millisecond)
			late := begin(t, pool)
			var position int64
			require.NoError(t, late.QueryRow(ctx, `SELECT nextval('carrierfsm_position')`).Scan(&position))
			commit(t, hold)
			require.NoError(t, <-moved)

			if name == "a new cursor" {
				r = acquire(t, s, "new", outbox.FromNow)
			}
			for _, id := range []string{"second", "third"} {
				after := begin(t, pool)
				appendEntry(t, after, id)
				commit(t, after)
				require.Equal(t, []string{id + "/1"}, r.read(10))
			}
			_, err = late.Exec(ctx, `INSERT INTO carrierfsm_history (position, id, step, from_, event, to_, at) VALUES ($1, 'late', 1, '', '', '', now())`, position)
			require.NoError(t, err)
			commit(t, late)
			require.Equal(t, []string{"late/1"}, r.read(10))
		})
	}
}
