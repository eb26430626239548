package postgres_test

import (
	"context"
	"os"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/budget"
	"github.com/carrierfsm/carrierfsm/store/postgres"
)

// ExampleOpen keeps verifications in the host's database.
func ExampleOpen() {
	ctx := context.Background()
	store, err := postgres.Open(ctx, os.Getenv("DATABASE_URL"))
	if err != nil {
		return
	}
	defer store.Close() //nolint:errcheck // it always returns nil
	_, _ = carrierfsm.New(carrierfsm.Config{Numbers: budget.None(), Store: store /* Upstream: … */})
}

// ExampleMigrate changes the tables with a role of its own, for a service whose role
// may not.
func ExampleMigrate() {
	ctx := context.Background()
	owner, err := pgxpool.ParseConfig(os.Getenv("OWNER_URL"))
	if err != nil {
		return
	}
	if err := postgres.Migrate(ctx, owner); err != nil {
		return
	}
	store, err := postgres.Open(ctx, os.Getenv("DATABASE_URL"), postgres.WithoutMigrate())
	if err != nil {
		return
	}
	defer store.Close() //nolint:errcheck // it always returns nil
}

// ExampleWithHook inserts a row into a table of the host for each verification that
// is done, in the same transaction: both are committed or neither.
func ExampleWithHook() {
	_, _ = postgres.Open(context.Background(), os.Getenv("DATABASE_URL"), postgres.WithHook(
		func(ctx context.Context, tx pgx.Tx, r carrierfsm.Record, _ []carrierfsm.Entry) error {
			if r.State != carrierfsm.Done {
				return nil
			}
			_, err := tx.Exec(ctx, `INSERT INTO credit_checks (verification, requested) VALUES ($1, $2)`, r.ID, r.Updated)
			return err
		}))
}
