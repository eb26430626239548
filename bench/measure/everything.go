package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/carrierfsm/carrierfsm/bench/measure/lab"
	"github.com/carrierfsm/carrierfsm/bench/measure/micro"
	"github.com/carrierfsm/carrierfsm/bench/measure/report"
	"github.com/carrierfsm/carrierfsm/bench/measure/subject"
)

// everything measures and writes the document.
func everything(ctx context.Context, o options, progress io.Writer) (err error) {
	all, recipe, err := kinds(ctx)
	if err != nil {
		return err
	}
	plan := lab.Plan{Rounds: o.rounds, For: o.each, WarmUp: o.warmUp}
	for _, c := range cells(all) {
		if o.only.MatchString(c.String()) {
			plan.Cells = append(plan.Cells, c)
		}
	}
	places, err := lab.NewPlaces(true)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, places.Close()) }()
	costs, err := micro.Rounds(ctx, o.rounds, o.micro)
	if err != nil {
		return err
	}
	results := plan.Run(ctx, places, progress)
	_, err = fmt.Fprint(progress, report.Text(recipe, results, costs))
	return err
}

// driverCounts are how many drive at once.
var driverCounts = []int{1, 8, 32, 64}

// cells are all combinations that are measured.
func cells(all []subject.Kind) (list []lab.Cell) {
	for _, n := range driverCounts {
		for _, medium := range []subject.Medium{subject.SQLiteFull, subject.Postgres, subject.SQLiteNormal} {
			for _, k := range all {
				for _, m := range k.Media {
					if m == medium {
						list = append(list, lab.Cell{Kind: k.Name, Medium: m, Drivers: n})
					}
				}
			}
		}
	}
	return list
}
