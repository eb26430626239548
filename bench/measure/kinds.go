package main

import (
	"context"

	"github.com/carrierfsm/carrierfsm/bench/measure/engine"
	"github.com/carrierfsm/carrierfsm/bench/measure/limit"
	"github.com/carrierfsm/carrierfsm/bench/measure/subject"
	"github.com/carrierfsm/carrierfsm/bench/measure/workload"
)

// kinds are all that can be measured.
func kinds(ctx context.Context) ([]subject.Kind, workload.Recipe, error) {
	recipe, err := workload.Record(ctx)
	if err != nil {
		return nil, recipe, err
	}
	all := []subject.Kind{engine.Kind(recipe)}
	all = append(all, limit.Kinds(recipe)...)
	return all, recipe, nil
}
