package scale

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/carrierfsm/carrierfsm/bench/measure/drive"
	"github.com/carrierfsm/carrierfsm/bench/measure/engine"
	"github.com/carrierfsm/carrierfsm/bench/measure/lab"
	"github.com/carrierfsm/carrierfsm/bench/measure/subject"
)

// Growth is the name of the task.
const Growth = "growth"

// Grown is what things cost in a store of so many verifications.
type Grown struct {
	Rows int
	// Fill is how long it took to put them in, and Stored how many bytes of file
	// each of them takes.
	Fill   time.Duration
	Stored float64
	// Driven is what plain verifications cost on top of them.
	Driven drive.Sample
	// Queries are how long each took, median, in the order of Queries.
	Queries []time.Duration
}

// Growing fills a store and measures; it returns Grown.
func Growing(ctx context.Context, j lab.Job) (any, error) {
	g := Grown{Rows: j.Rows}
	if err := emptyStore(ctx, j.Place); err != nil {
		return nil, err
	}
	before, err := drive.Stored(ctx, j.Place)
	if err != nil {
		return nil, err
	}
	begun := time.Now()
	if err := fill(ctx, j.Place, j.Rows); err != nil {
		return nil, err
	}
	g.Fill = time.Since(begun)
	after, err := drive.Stored(ctx, j.Place)
	if err != nil {
		return nil, err
	}
	g.Stored = float64(after-before) / float64(j.Rows)
	if err := settle(ctx, j.Place); err != nil {
		return nil, err
	}
	if g.Queries, err = queries(ctx, j.Place, j.Rows); err != nil {
		return nil, err
	}
	kind := subject.Kind{Name: engine.Name, Open: engine.Open}
	g.Driven, err = drive.Cell(ctx, kind, j.Place, drive.Options{Drivers: j.Drivers, For: j.For, WarmUp: j.WarmUp})
	return g, err
}

// emptyStore makes the tables.
func emptyStore(ctx context.Context, p subject.Place) error {
	_, closing, err := engine.OpenStore(ctx, p)
	if err != nil {
		return err
	}
	return closing()
}

// settle has a server do what it would have done by itself while so many rows
// came: they came faster than in life.
func settle(ctx context.Context, p subject.Place) error {
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

// times is how often each query is asked.
const times = 21

func queries(ctx context.Context, p subject.Place, rows int) (_ []time.Duration, err error) {
	store, closing, err := engine.OpenStore(ctx, p)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, closing()) }()
	asked, err := questions(ctx, store, rows)
	if err != nil {
		return nil, err
	}
	var took []time.Duration
	for _, ask := range asked {
		var each []time.Duration
		for range times {
			begun := time.Now()
			if err := ask(); err != nil {
				return nil, err
			}
			each = append(each, time.Since(begun))
		}
		slices.Sort(each)
		took = append(took, each[times/2])
	}
	return took, nil
}
