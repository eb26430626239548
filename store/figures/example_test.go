package figures_test

import (
	"context"
	"fmt"
	"time"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/budget"
	"github.com/carrierfsm/carrierfsm/fsmtest"
	"github.com/carrierfsm/carrierfsm/outbox"
	"github.com/carrierfsm/carrierfsm/store/figures"
	"github.com/carrierfsm/carrierfsm/store/memory"
)

// The dispatcher counts; the console reads what it has counted.
func Example() {
	ctx, store := context.Background(), memory.New()
	m, err := carrierfsm.New(carrierfsm.Config{Numbers: budget.None(), Store: store, Upstream: fsmtest.NewUpstream(fsmtest.Accept("chinaunicom"))})
	if err != nil {
		panic(err)
	}
	counters, err := figures.New(figures.Config{Store: store})
	if err != nil {
		panic(err)
	}
	d, err := outbox.New(m, store, outbox.Config{Projections: []outbox.Projection{counters}})
	if err != nil {
		panic(err)
	}
	if _, err := m.Begin(ctx, carrierfsm.NewVerification{}, carrierfsm.Apply{Form: fsmtest.Form(), Consent: fsmtest.Consent()}); err != nil {
		panic(err)
	}
	if _, err := d.Deliver(ctx); err != nil { // Run does so each second
		panic(err)
	}
	today := figures.StartOf(time.Now(), figures.Day)
	rows, err := counters.Read(ctx, figures.Day, today, today.Add(figures.Day))
	for _, r := range rows {
		fmt.Println(r.Source, len(r.Counts), "edges")
	}
	fmt.Println(err)
	// Output:
	// chinaunicom 2 edges
	// <nil>
}
