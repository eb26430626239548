package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/internal/pgtest"
	"github.com/carrierfsm/carrierfsm/store/postgres"
)

// cluster is the one of all tests here. Each test has a database of its own.
var cluster = pgtest.Shared{Migrate: migrate}

func migrate(dsn string) error {
	ctx := context.Background()
	pool, err := pgxpool.New(ctx, dsn)
	if err != nil {
		return err
	}
	defer pool.Close()
	_, err = postgres.New(ctx, pool)
	return err
}

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.Cleanup(func(code int) {
		if err := errors.Join(cluster.Close(), durable.Close()); err != nil {
			_, _ = fmt.Fprintln(os.Stderr, err)
			code = 1
		}
		os.Exit(code)
	}))
}

// open makes a store of a database of its own.
func open(tb testing.TB, opts ...postgres.Option) (*postgres.Store, *pgxpool.Pool) {
	tb.Helper()
	return openOn(tb, pgtest.Pool(tb, cluster.Cluster(tb).NewDatabase(tb), 8), opts...)
}

func openOn(tb testing.TB, pool *pgxpool.Pool, opts ...postgres.Option) (*postgres.Store, *pgxpool.Pool) {
	tb.Helper()
	s, err := postgres.New(context.Background(), pool, opts...)
	require.NoError(tb, err)
	tb.Cleanup(func() { require.NoError(tb, s.Close()) })
	return s, pool
}

// noon is when everything happens.
var noon = time.Date(2030, 6, 1, 12, 0, 0, 0, time.UTC)

func record(id string) carrierfsm.Record {
	return carrierfsm.Record{
		ID: id, State: carrierfsm.AwaitingCaptcha, Version: 1, Table: 1, Source: "chinamobilejs", Reason: carrierfsm.CaptchaRequested,
		Due: noon, Created: noon, Updated: noon, Key: "key of " + id, Body: []byte("body"),
	}
}

// next is the record after one more transition, and the entry of that.
func next(r carrierfsm.Record) (carrierfsm.Record, carrierfsm.Entry) {
	r.Version++
	r.Step++
	r.Due, r.Updated = r.Due.Add(time.Second), r.Updated.Add(time.Second)
	r.CommitID = [16]byte{byte(r.Version), byte(r.Version >> 8), 1}
	return r, carrierfsm.Entry{
		ID: r.ID, Step: r.Step, From: r.State, Event: carrierfsm.CaptchaRejected, To: r.State, At: r.Updated, Detail: make([]byte, 150),
	}
}
