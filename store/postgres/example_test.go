package postgres_test

import (
	"context"
	"os"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/store/postgres"
)

// ExampleNew keeps verifications in the host's database.
func ExampleNew() {
	ctx := context.Background()
	pool, err := pgxpool.New(ctx, os.Getenv("DATABASE_URL"))
	if err != nil {
		return
	}
	defer pool.Close()
	store, err := postgres.New(ctx, pool)
	if err != nil {
		return
	}
	defer store.Close() //nolint:errcheck // it always returns nil
	_, _ = carrierfsm.New(carrierfsm.Config{Store: store /* Upstream: … */})
}

// ExampleWithHook inserts a row into a table of the host for each verification that
// is done, in the same transaction: both are committed or neither.
func ExampleWithHook() {
	var pool *pgxpool.Pool // the host's
	_, _ = postgres.New(context.Background(), pool, postgres.WithHook(
		func(ctx context.Context, tx pgx.Tx, r carrierfsm.Record, _ []carrierfsm.Entry) error {
			if r.State != carrierfsm.Done {
				return nil
			}
			_, err := tx.Exec(ctx, `INSERT INTO credit_checks (verification, requested) VALUES ($1, $2)`, r.ID, r.Updated)
			return err
		}))
}
