package juxinli_test

import (
	"context"
	"errors"
	"fmt"
	"net/http/httptest"
	"time"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/budget"
	"github.com/carrierfsm/carrierfsm/store/memory"
	"github.com/carrierfsm/carrierfsm/upstream/juxinli"
	"github.com/carrierfsm/carrierfsm/upstream/simulator"
)

// exampleClient returns a client of a simulator whose reports are ready at once.
func exampleClient() (c *juxinli.Client, end func()) {
	server := httptest.NewServer(simulator.New(simulator.Config{CollectFor: time.Nanosecond}))
	c, err := juxinli.New(juxinli.Config{BaseURL: server.URL, Org: "DEMO"})
	if err != nil {
		panic(err)
	}
	return c, server.Close
}

// examplePerson is one of the simulator's people, at a carrier that asks for a
// password only.
func examplePerson() carrierfsm.Form {
	p := simulator.People()[1]
	return carrierfsm.Form{Name: carrierfsm.NewSecret(p.Name), IDCard: carrierfsm.NewSecret(p.IDCard), Phone: carrierfsm.NewSecret(p.Phone)}
}

// The token of a verification that is done gives access to the report.
func ExampleData() {
	ctx := context.Background()
	client, end := exampleClient()
	defer end()
	m, _ := carrierfsm.New(carrierfsm.Config{Numbers: budget.None(), Store: memory.New(), Upstream: client})
	v, _ := m.Create(ctx, carrierfsm.NewVerification{ID: "v1"})
	consent := carrierfsm.Consent{Policy: "2026-11", At: time.Now(), Channel: "app"}
	v, _ = m.Submit(ctx, v.ID, carrierfsm.Apply{Form: examplePerson(), Consent: consent})
	v, _ = m.Submit(ctx, v.ID, carrierfsm.Password{Step: v.Step, Password: carrierfsm.NewSecret("246810")})
	fmt.Println(v.State)

	data, err := client.Data(juxinli.DataConfig{ClientSecret: carrierfsm.NewSecret("simulated-client-secret")})
	if err != nil {
		panic(err)
	}
	state, _ := data.Job(ctx, v.Token)
	fmt.Println(state)
	report, err := data.Report(ctx, v.Token)
	switch {
	case errors.Is(err, juxinli.ErrNotReady):
		fmt.Println("ask again later")
	case err != nil:
		panic(err)
	}
	fmt.Println(report, len(report.JSON()) > 0) // a report prints redacted
	// Output:
	// done
	// done
	// [redacted] true
}

// A Guard refuses a form whose source is offline.
func ExampleGuard() {
	ctx := context.Background()
	client, end := exampleClient()
	defer end()
	catalogue, err := client.Catalogue(juxinli.CatalogueConfig{})
	if err != nil {
		panic(err)
	}
	guard, err := juxinli.NewGuard(juxinli.GuardConfig{
		Client: client, Catalogue: catalogue,
		Website: func(context.Context, carrierfsm.Form) string {
			return juxinli.ChinaMobile.Website("xz") // what the host knows of the number
		},
	})
	if err != nil {
		panic(err)
	}
	err = guard.Check(ctx, examplePerson())
	if offline, is := errors.AsType[*juxinli.OfflineError](err); is {
		fmt.Println(offline.Name, "is offline")
	}
	_, err = guard.Apply(ctx, carrierfsm.Application{Form: examplePerson()})
	fmt.Println("not sent:", errors.Is(err, carrierfsm.ErrNotSent))
	// Output:
	// 西藏移动 is offline
	// not sent: true
}

// The client is the Upstream of a machine. In production only Org is needed.
func ExampleNew() {
	server := httptest.NewServer(simulator.New(simulator.Config{}))
	defer server.Close()
	client, err := juxinli.New(juxinli.Config{Org: "DEMO", BaseURL: server.URL})
	if err != nil {
		panic(err)
	}
	sources, err := client.Datasources(context.Background())
	fmt.Println(len(sources) > 0, err)

	_, err = juxinli.New(juxinli.Config{Org: "DEMO", BaseURL: "http://aggregator.example"})
	fmt.Println(err)
	// Output:
	// true <nil>
	// juxinli: BaseURL must be HTTPS, or HTTP to loopback
}
