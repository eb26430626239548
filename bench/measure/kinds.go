package main

import (
	"context"
	"errors"

	"github.com/carrierfsm/carrierfsm/bench/measure/baseline"
	"github.com/carrierfsm/carrierfsm/bench/measure/competitors/byhand"
	"github.com/carrierfsm/carrierfsm/bench/measure/competitors/dbos"
	"github.com/carrierfsm/carrierfsm/bench/measure/competitors/goworkflows"
	"github.com/carrierfsm/carrierfsm/bench/measure/competitors/river"
	"github.com/carrierfsm/carrierfsm/bench/measure/engine"
	"github.com/carrierfsm/carrierfsm/bench/measure/subject"
	"github.com/carrierfsm/carrierfsm/bench/measure/workload"
)

// kinds returns the subjects that this program can measure: all but Temporal.
func kinds(ctx context.Context) ([]subject.Kind, workload.Recipe, error) {
	recipe, err1 := workload.Record(ctx, workload.Plain)
	createdFirst, err2 := workload.Record(ctx, workload.CreatedFirst)
	if err := errors.Join(err1, err2); err != nil {
		return nil, recipe, err
	}
	all := engine.Kinds(recipe, createdFirst)
	all = append(all, baseline.Kinds(recipe.WithoutLoads(), createdFirst)...)
	all = append(all, byhand.Kinds()...)
	all = append(all, goworkflows.Kind(), dbos.Kind(), river.Kind())
	return all, recipe, nil
}
