package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/internal/pgtest"
	"github.com/carrierfsm/carrierfsm/store/postgres"
)

// durable is a cluster with fsync, as in production.
var durable = pgtest.Shared{Options: pgtest.Options{Durable: true}, Migrate: migrate}

// committer commits the next step of a record.
type committer func(ctx context.Context, r carrierfsm.Record, e carrierfsm.Entry) error

// BenchmarkCommit measures commits by a number of drivers, each on its own record.
// In one run it measures, in turn, the store and two baselines: SQL as one would
// write it by hand, without refusals, keys and cancellation.
func BenchmarkCommit(b *testing.B) {
	for _, drivers := range []int{1, 8, 64} {
		b.Run(fmt.Sprintf("drivers=%d", drivers), func(b *testing.B) {
			pool := pgtest.Pool(b, durable.Cluster(b).NewDatabase(b), 10)
			s, _ := openOn(b, pool)
			batched := batchedByHand(b, pool)
			names := []string{"store", "cte", "unnest"}
			committers := map[string]committer{
				"store":  func(ctx context.Context, r carrierfsm.Record, e carrierfsm.Entry) error { return s.Commit(ctx, r, e) },
				"cte":    byHand(pool),
				"unnest": batched,
			}
			records := make(map[string][]carrierfsm.Record)
			for _, name := range names {
				records[name] = benchRecords(b, s, name, drivers)
			}
			elapsed := make(map[string]time.Duration)
			const each = 20
			n := 0
			for b.Loop() {
				n++
				for i := range names {
					name := names[(i+n)%len(names)]
					start := time.Now()
					drive(b, committers[name], records[name], each)
					elapsed[name] += time.Since(start)
				}
			}
			b.ReportMetric(0, "ns/op") // of all three, which means nothing
			for _, name := range names {
				b.ReportMetric(float64(n*each*drivers)/elapsed[name].Seconds(), name+"/s")
			}
			b.ReportMetric(elapsed["cte"].Seconds()/elapsed["store"].Seconds(), "×cte")
			b.ReportMetric(elapsed["unnest"].Seconds()/elapsed["store"].Seconds(), "×unnest")
		})
	}
}

func benchRecords(b *testing.B, s *postgres.Store, prefix string, n int) []carrierfsm.Record {
	list := make([]carrierfsm.Record, n)
	for i := range list {
		list[i] = record(fmt.Sprintf("%s-%08d", prefix, i))
		list[i].Body = make([]byte, 600)
		require.NoError(b, s.Create(context.Background(), list[i]))
	}
	return list
}

// drive commits each record several times, all records concurrently.
func drive(b *testing.B, commit committer, records []carrierfsm.Record, times int) {
	var all sync.WaitGroup
	for i := range records {
		all.Go(func() {
			for range times {
				r, e := next(records[i])
				if err := commit(context.Background(), r, e); err != nil {
					b.Error(err)
					return
				}
				records[i] = r
			}
		})
	}
	all.Wait()
}

// byHand runs one statement for each commit.
func byHand(pool *pgxpool.Pool) committer {
	const sql = `WITH u AS (
			UPDATE carrierfsm_verifications SET version = $2, step = $3, due = $4, updated = $5, commit_id = $6, state = $7, reason = $8, body = $9,
				tables = $12, in_flight = $13, source = $14, key = $15
			WHERE id = $1 AND version = $2 - 1 RETURNING id)
		INSERT INTO carrierfsm_history (id, step, from_, event, to_, at, detail) SELECT id, $3, $10, $8, $7, $5, $11 FROM u`
	return func(ctx context.Context, r carrierfsm.Record, e carrierfsm.Entry) error {
		tag, err := pool.Exec(ctx, sql, r.ID, r.Version, r.Step, r.Due, r.Updated, r.CommitID[:], string(r.State), string(r.Reason), r.Body, string(e.From), e.Detail,
			r.Table, r.InFlight, r.Source, r.Key)
		if err == nil && tag.RowsAffected() != 1 {
			err = errors.New("conflict")
		}
		return err
	}
}

// batchedByHand runs one statement for all waiting commits, one statement at a time.
func batchedByHand(b *testing.B, pool *pgxpool.Pool) committer {
	type waiter struct {
		r    carrierfsm.Record
		e    carrierfsm.Entry
		done chan error
	}
	const sql = `WITH i AS (SELECT * FROM unnest($1::text[], $2::bigint[], $3::int[], $4::timestamptz[], $5::timestamptz[], $6::bytea[], $7::text[],
				$8::text[], $9::bytea[], $10::text[], $11::bytea[], $12::int[], $13::bool[], $14::text[], $15::text[])
				AS i (id, version, step, due, updated, commit_id, state, reason, body, from_, detail, tables, in_flight, source, key)),
		u AS (UPDATE carrierfsm_verifications v SET version = i.version, step = i.step, due = i.due, updated = i.updated, commit_id = i.commit_id,
			state = i.state, reason = i.reason, body = i.body, tables = i.tables, in_flight = i.in_flight, source = i.source, key = i.key FROM i WHERE v.id = i.id AND v.version = i.version - 1 RETURNING v.id)
		INSERT INTO carrierfsm_history (id, step, from_, event, to_, at, detail)
		SELECT id, step, from_, reason, state, updated, detail FROM i JOIN u USING (id)`
	flush := func(list []waiter) error {
		n := len(list)
		ids, states, reasons, from := make([]string, n), make([]string, n), make([]string, n), make([]string, n)
		sources, keys, tables, inFlight := make([]string, n), make([]string, n), make([]int32, n), make([]bool, n)
		versions, steps, commits := make([]int64, n), make([]int32, n), make([][]byte, n)
		due, updated, bodies, details := make([]time.Time, n), make([]time.Time, n), make([][]byte, n), make([][]byte, n)
		for i, w := range list {
			ids[i], states[i], reasons[i], from[i] = w.r.ID, string(w.r.State), string(w.r.Reason), string(w.e.From)
			sources[i], keys[i], tables[i], inFlight[i] = w.r.Source, w.r.Key, int32(w.r.Table), w.r.InFlight
			versions[i], steps[i], commits[i] = w.r.Version, int32(w.r.Step), w.r.CommitID[:]
			due[i], updated[i], bodies[i], details[i] = w.r.Due, w.r.Updated, w.r.Body, w.e.Detail
		}
		tag, err := pool.Exec(context.Background(), sql, ids, versions, steps, due, updated, commits, states, reasons, bodies, from, details,
			tables, inFlight, sources, keys)
		if err == nil && tag.RowsAffected() != int64(n) {
			err = errors.New("conflict")
		}
		return err
	}
	waiting := make(chan waiter, 1000)
	b.Cleanup(func() { close(waiting) })
	go func() {
		for w := range waiting {
			list := []waiter{w}
			for len(waiting) > 0 {
				list = append(list, <-waiting)
			}
			err := flush(list)
			for _, w := range list {
				w.done <- err
			}
		}
	}()
	return func(_ context.Context, r carrierfsm.Record, e carrierfsm.Entry) error {
		done := make(chan error, 1)
		waiting <- waiter{r, e, done}
		return <-done
	}
}
