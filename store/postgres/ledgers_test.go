package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/budget"
	"github.com/carrierfsm/carrierfsm/internal/pgtest"
	"github.com/carrierfsm/carrierfsm/store/internal/write"
	"github.com/carrierfsm/carrierfsm/store/postgres"
)

// Replicas spend for the same numbers, each record on another replica. Never one more
// than the limit is counted, and nothing is refused below it.
func TestReplicasOnOneDatabaseSpendOneBudget(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	dsn := cluster.Cluster(t).NewDatabase(t)
	var stores []*postgres.Store
	for range 2 {
		s, _ := openOn(t, pgtest.Pool(t, dsn, 12))
		stores = append(stores, s)
	}
	stores = append(stores, openPlain(t, dsn))
	const callers, limit = 24, 5
	for round := range 6 {
		key, at := fmt.Sprint("number-", round/2), noon.Add(time.Duration(round%2)*2*budget.Day)
		var spent, refused atomic.Int32
		var all sync.WaitGroup
		for i := range callers {
			all.Go(func() {
				r := carrierfsm.Record{
					ID: fmt.Sprint("spends-", round, "-", i), State: carrierfsm.Created, Version: 1, Table: 1, Created: noon, Updated: noon, Body: []byte("{}"),
				}
				s := stores[i%len(stores)]
				spends := []budget.Spend{
					{Key: key, Kind: budget.Texts, At: at, N: 1, Window: budget.Day, Limit: limit},
					{Key: key, Kind: budget.Passwords, At: at, N: 1, Window: budget.Day, Limit: 2 * limit},
				}
				var err error
				if i%2 == 0 {
					r.Spends = spends
					err = s.Create(ctx, r)
				} else if err = s.Create(ctx, r); err == nil {
					r.Version, r.CommitID, r.Spends = 2, [16]byte{1}, spends
					err = s.Commit(ctx, r)
				}
				switch {
				case err == nil:
					spent.Add(1)
				case errors.As(err, new(*budget.ExceededError)):
					refused.Add(1)
				default:
					t.Error(err)
				}
			})
		}
		all.Wait()
		require.EqualValues(t, limit, spent.Load())
		require.EqualValues(t, callers-limit, refused.Load())
		l, err := stores[0].Ledger(ctx, key)
		require.NoError(t, err)
		require.Equal(t, limit, l.Count(budget.Texts, budget.Day, at))
		require.Equal(t, limit, l.Count(budget.Passwords, budget.Day, at))
	}
}

// Replicas commit the same version of one record, each under a commit id of its own: one
// is written, and what the others would spend is not.
func TestOfReplicasThatCommitOneVersionOneSpends(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	dsn := cluster.Cluster(t).NewDatabase(t)
	var stores []*postgres.Store
	for range 2 {
		s, _ := openOn(t, pgtest.Pool(t, dsn, 12))
		stores = append(stores, s)
	}
	stores = append(stores, openPlain(t, dsn))
	for round := range 20 {
		key := fmt.Sprint("number-", round)
		r := carrierfsm.Record{
			ID: fmt.Sprint("v", round), State: carrierfsm.Created, Version: 1, Table: 1, Created: noon, Updated: noon, Body: []byte("{}"),
		}
		require.NoError(t, stores[0].Create(ctx, r))
		r.Version = 2
		r.Spends = []budget.Spend{{Key: key, Kind: budget.Texts, At: noon, N: 1, Window: budget.Day, Limit: 9}}
		var won atomic.Int32
		var all sync.WaitGroup
		for i := range 6 {
			all.Go(func() {
				mine := r
				mine.CommitID[0] = byte(i + 1)
				switch err := stores[i%len(stores)].Commit(ctx, mine); {
				case err == nil:
					won.Add(1)
				case !errors.Is(err, carrierfsm.ErrConflict):
					t.Error(err)
				}
			})
		}
		all.Wait()
		require.EqualValues(t, 1, won.Load())
		l, err := stores[0].Ledger(ctx, key)
		require.NoError(t, err)
		require.Equal(t, 1, l.Count(budget.Texts, budget.Day, noon))
	}
}

// ledgerBench has two replicas, and writes by one of the ways of writing. Each replica has a
// record of its own of the same number, and remembers the number's ledger with it.
type ledgerBench struct {
	t       *testing.T
	a, b    *postgres.Store
	records map[*postgres.Store]carrierfsm.Record
	send    func(s *postgres.Store, r write.Request) error
}

// spend commits the next version of a replica's record, which spends or gives back a text of
// "number", of which two may be counted.
func (l *ledgerBench) spend(s *postgres.Store, n int) error {
	l.t.Helper()
	before, ok := l.records[s]
	if !ok {
		before = createRecord(l.t, s, fmt.Sprint("v", len(l.records)))
	}
	r := nextCommit(before)
	r.Record.Spends = []budget.Spend{{Key: "number", Kind: budget.Texts, At: noon, N: n, Window: budget.Day, Limit: 2}}
	err := l.send(s, r)
	if err == nil {
		before = r.Record
	}
	l.records[s] = before
	return err
}

func (l *ledgerBench) counted() int {
	l.t.Helper()
	ledger, err := l.b.Ledger(context.Background(), "number")
	require.NoError(l.t, err)
	return ledger.Count(budget.Texts, budget.Day, noon)
}

// eachWay runs a test for each way of writing: alone, in a batch, by pgx's own encoding.
func eachWay(t *testing.T, test func(l *ledgerBench, dsn string)) {
	t.Helper()
	alone := func(s *postgres.Store, r write.Request) error {
		return s.Commit(context.Background(), r.Record, r.Entries...)
	}
	var others atomic.Int64
	inBatch := func(s *postgres.Store, r write.Request) error {
		other := nextCommit(createRecord(t, s, fmt.Sprint("other", others.Add(1))))
		other.Record.Spends = []budget.Spend{{Key: "other", Kind: budget.Texts, At: noon, N: 1, Window: budget.Day, Limit: 100}}
		errs := s.CommitBatch(context.Background(), other, r)
		require.NoError(t, errs[0])
		return errs[1]
	}
	for name, send := range map[string]func(*postgres.Store, write.Request) error{"alone": alone, "in a batch": inBatch} {
		for _, plain := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, plain %v", name, plain), func(t *testing.T) {
				dsn := cluster.Cluster(t).NewDatabase(t)
				l := &ledgerBench{t: t, records: make(map[*postgres.Store]carrierfsm.Record), send: send}
				if plain {
					l.a, l.b = openPlain(t, dsn), openPlain(t, dsn)
				} else {
					l.a, _ = openOn(t, pgtest.Pool(t, dsn, 2))
					l.b, _ = openOn(t, pgtest.Pool(t, dsn, 2))
				}
				test(l, dsn)
			})
		}
	}
}

// A replica remembers the ledger that it wrote. What another one has spent since counts all
// the same.
func TestWhatAnotherReplicaHasSpentCounts(t *testing.T) {
	t.Parallel()
	eachWay(t, func(l *ledgerBench, _ string) {
		require.NoError(l.t, l.spend(l.a, 1))
		require.NoError(l.t, l.spend(l.b, 1))
		require.ErrorAs(l.t, l.spend(l.a, 1), new(*budget.ExceededError))
		require.Equal(l.t, 2, l.counted())
		require.NoError(l.t, l.spend(l.b, -1))
		require.NoError(l.t, l.spend(l.a, -1))
		require.Equal(l.t, 0, l.counted())
	})
}

func TestNoLedgerThatAReplicaRemembersRefusesASpend(t *testing.T) {
	t.Parallel()
	eachWay(t, func(l *ledgerBench, _ string) {
		require.NoError(l.t, l.spend(l.a, 1))
		require.NoError(l.t, l.spend(l.a, 1))
		require.NoError(l.t, l.spend(l.b, -1))
		require.NoError(l.t, l.spend(l.a, 1))
		require.Equal(l.t, 2, l.counted())
	})
}

func TestALedgerThatWasDeletedIsWrittenAgain(t *testing.T) {
	t.Parallel()
	eachWay(t, func(l *ledgerBench, dsn string) {
		require.NoError(l.t, l.spend(l.a, 1))
		require.NoError(l.t, l.spend(l.a, 1))
		_, err := pgtest.Pool(l.t, dsn, 1).Exec(context.Background(), `DELETE FROM carrierfsm_ledgers`)
		require.NoError(l.t, err)
		require.NoError(l.t, l.spend(l.a, 1))
		require.Equal(l.t, 1, l.counted())
	})
}

// A replica that wrote the version before remembers the ledger that it wrote with it, also
// if versions without a spend follow. After another replica's version it reads the ledger,
// instead of trying to write the one that it remembers.
func TestALedgerIsRememberedWithTheVersionOfItsRecord(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	dsn := cluster.Cluster(t).NewDatabase(t)
	tracer := new(queryTracer)
	a, _ := openOn(t, newPool(t, dsn, func(config *pgxpool.Config) { config.ConnConfig.Tracer = tracer }))
	b, _ := openOn(t, pgtest.Pool(t, dsn, 2))
	for _, size := range []int{1, 20} {
		batch := make([]write.Request, size)
		for i := range batch {
			batch[i].Record = createRecord(t, a, fmt.Sprint("v", size, "-", i))
		}
		commit := func(s *postgres.Store, spends ...budget.Spend) int32 {
			before := tracer.queries.Load()
			for i := range batch {
				batch[i] = nextCommit(batch[i].Record)
				batch[i].Record.Spends = nil
				for _, spend := range spends {
					spend.Key = "number-of-" + batch[i].Record.ID
					batch[i].Record.Spends = append(batch[i].Record.Spends, spend)
				}
			}
			require.Equal(t, make([]error, size), s.CommitBatch(ctx, batch...))
			return tracer.queries.Load() - before
		}
		spend := budget.Spend{Kind: budget.Texts, At: noon, N: 1, Window: budget.Day, Limit: 9}
		require.EqualValues(t, 2, commit(a, spend), "a read and a write")
		require.EqualValues(t, 1, commit(a, spend), "a write")
		require.EqualValues(t, 1, commit(a), "a write")
		require.EqualValues(t, 1, commit(a, spend), "a write")
		commit(b, spend)
		require.EqualValues(t, 2, commit(a, spend), "a read and a write")
		commit(b)
		require.EqualValues(t, 2, commit(a, spend), "a read and a write")
		require.EqualValues(t, 1, commit(a, spend), "a write")
	}
}

// The ledger of a verification that has ended is not remembered. Of too many that go on those
// that were written first are forgotten.
func TestLedgersOfEndedVerificationsAreForgotten(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	dsn := cluster.Cluster(t).NewDatabase(t)
	tracer := new(queryTracer)
	s, _ := openOn(t, newPool(t, dsn, func(config *pgxpool.Config) { config.ConnConfig.Tracer = tracer }))
	spend := func(r carrierfsm.Record) write.Request {
		w := nextCommit(r)
		w.Record.Spends = []budget.Spend{{Key: "number-of-" + r.ID, Kind: budget.Texts, At: noon, N: 1, Window: budget.Day, Limit: 9}}
		return w
	}
	commit := func(w write.Request) carrierfsm.Record {
		require.NoError(t, s.Commit(ctx, w.Record, w.Entries...))
		return w.Record
	}
	for _, spends := range []bool{true, false} {
		r := commit(spend(createRecord(t, s, fmt.Sprint("spends-", spends))))
		require.Equal(t, 1, s.RememberedLedgers())
		last := spend(r)
		if !spends {
			last.Record.Spends = nil
		}
		last.Record.State = carrierfsm.Done
		commit(last)
		require.Zero(t, s.RememberedLedgers())
	}
	first := commit(spend(createRecord(t, s, "first")))
	batch, n := make([]write.Request, 128), 0
	for s.RememberedLedgers() < postgres.MaxLedgers {
		for i := range batch {
			n++
			batch[i] = write.Request{Record: record(fmt.Sprint("v", n))}
		}
		require.Equal(t, make([]error, len(batch)), s.CreateBatch(ctx, batch...))
		for i := range batch {
			batch[i] = spend(batch[i].Record)
		}
		require.Equal(t, make([]error, len(batch)), s.CommitBatch(ctx, batch...))
	}
	require.Equal(t, postgres.MaxLedgers, s.RememberedLedgers())
	for r, queries := range map[*carrierfsm.Record]int32{&batch[0].Record: 1, &first: 2} {
		before := tracer.queries.Load()
		commit(spend(*r))
		require.Equal(t, queries, tracer.queries.Load()-before, r.ID)
	}
}

// Ledgers of a batch that other verifications of the numbers have written meanwhile are read
// together: one failed write, one question why, one read, one write.
func TestLedgersThatHaveChangedAreReadTogether(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	dsn := cluster.Cluster(t).NewDatabase(t)
	tracer := new(queryTracer)
	a, _ := openOn(t, newPool(t, dsn, func(config *pgxpool.Config) { config.ConnConfig.Tracer = tracer }))
	b, _ := openOn(t, pgtest.Pool(t, dsn, 2))
	batches := make(map[*postgres.Store][]write.Request)
	spend := func(s *postgres.Store) int32 {
		if batches[s] == nil {
			for i := range 20 {
				batches[s] = append(batches[s], write.Request{Record: createRecord(t, s, fmt.Sprint("v", len(batches), "-", i))})
			}
		}
		batch, before := batches[s], tracer.queries.Load()
		for i := range batch {
			batch[i] = nextCommit(batch[i].Record)
			batch[i].Record.Spends = []budget.Spend{{Key: fmt.Sprint("number-", i), Kind: budget.Texts, At: noon, N: 1, Window: budget.Day, Limit: 9}}
		}
		require.Equal(t, make([]error, len(batch)), s.CommitBatch(ctx, batch...))
		return tracer.queries.Load() - before
	}
	spend(a)
	spend(b)
	require.EqualValues(t, 4, spend(a))
	require.EqualValues(t, 1, spend(a), "the ledgers are remembered")
}

func TestALedgerThatCannotBeReadStopsOnlyItsOwnRequest(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	s, pool := open(t)
	_, err := pool.Exec(ctx, `INSERT INTO carrierfsm_ledgers (key, expires, kinds, stamps) VALUES ('broken', now(), '{texts}', '{}')`)
	require.NoError(t, err)
	good, bad := nextCommit(createRecord(t, s, "good")), nextCommit(createRecord(t, s, "bad"))
	good.Record.Spends = []budget.Spend{{Key: "number", Kind: budget.Texts, At: noon, N: 1, Window: budget.Day, Limit: 9}}
	bad.Record.Spends = []budget.Spend{{Key: "broken", Kind: budget.Texts, At: noon, N: 1, Window: budget.Day, Limit: 9}}
	errs := s.CommitBatch(ctx, good, bad)
	require.NoError(t, errs[0])
	require.ErrorContains(t, errs[1], "a ledger has not as many kinds as stamps")
}
