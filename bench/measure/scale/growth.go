package scale

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/carrierfsm/carrierfsm/bench/measure/drive"
	"github.com/carrierfsm/carrierfsm/bench/measure/engine"
	"github.com/carrierfsm/carrierfsm/bench/measure/runner"
	"github.com/carrierfsm/carrierfsm/bench/measure/subject"
)

// Growth is the name of the task.
const Growth = "growth"

// GrowthCost has the costs in a store with Rows verifications.
type GrowthCost struct {
	Rows int
	// Fill is the time to create them, and Stored the size of each in bytes.
	Fill   time.Duration
	Stored float64
	// Driven is the cost of further plain verifications.
	Driven drive.Sample
	// Queries has the median time of each query, in the order of Queries.
	Queries []time.Duration
}

// MeasureGrowth fills a store and measures. It returns a GrowthCost.
func MeasureGrowth(ctx context.Context, j runner.Job) (any, error) {
	g := GrowthCost{Rows: j.Rows}
	if err := createTables(ctx, j.Storage); err != nil {
		return nil, err
	}
	before, err := drive.Stored(ctx, j.Storage)
	if err != nil {
		return nil, err
	}
	begun := time.Now()
	if err := fill(ctx, j.Storage, j.Rows); err != nil {
		return nil, err
	}
	g.Fill = time.Since(begun)
	after, err := drive.Stored(ctx, j.Storage)
	if err != nil {
		return nil, err
	}
	g.Stored = float64(after-before) / float64(j.Rows)
	if err := vacuum(ctx, j.Storage); err != nil {
		return nil, err
	}
	if g.Queries, err = queries(ctx, j.Storage, j.Rows); err != nil {
		return nil, err
	}
	kind := subject.Kind{Name: engine.Name, Open: engine.Open}
	g.Driven, err = drive.Measure(ctx, kind, j.Storage, drive.Options{Drivers: j.Drivers, For: j.For, WarmUp: j.WarmUp})
	return g, err
}

// createTables creates the tables of a store.
func createTables(ctx context.Context, p subject.Storage) error {
	_, closing, err := engine.OpenStore(ctx, p)
	if err != nil {
		return err
	}
	return closing()
}

// vacuum does the maintenance that a server would have done by itself if the rows
// had been added slowly.
func vacuum(ctx context.Context, p subject.Storage) error {
	if p.Medium != subject.Postgres {
		return nil
	}
	c, err := pgx.Connect(ctx, p.DSN)
	if err != nil {
		return err
	}
	for _, statement := range []string{"VACUUM ANALYZE", "CHECKPOINT"} {
		if err == nil {
			_, err = c.Exec(ctx, statement, pgx.QueryExecModeSimpleProtocol)
		}
	}
	return errors.Join(err, c.Close(ctx))
}

// repetitions is how often each query is measured.
const repetitions = 21

func queries(ctx context.Context, p subject.Storage, rows int) (_ []time.Duration, err error) {
	store, closing, err := engine.OpenStore(ctx, p)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, closing()) }()
	funcs, err := queryFuncs(ctx, store, rows)
	if err != nil {
		return nil, err
	}
	var took []time.Duration
	for _, query := range funcs {
		var each []time.Duration
		for range repetitions {
			begun := time.Now()
			if err := query(); err != nil {
				return nil, err
			}
			each = append(each, time.Since(begun))
		}
		slices.Sort(each)
		took = append(took, each[repetitions/2])
	}
	return took, nil
}
