// Package scale measures what a transition and the queries cost when many
// verifications are in the store already.
package scale

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/bench/measure/engine"
	"github.com/carrierfsm/carrierfsm/bench/measure/subject"
	"github.com/carrierfsm/carrierfsm/bench/measure/workload"
	"github.com/carrierfsm/carrierfsm/store/memory"
)

// model is one verification as a store keeps it.
type model struct {
	record  carrierfsm.Record
	history []carrierfsm.Entry
}

// models are two: one that waits for a code, and one that is done.
func models(ctx context.Context) (waiting, done model, err error) {
	store := memory.New()
	m, err := carrierfsm.New(carrierfsm.Config{Store: store, Upstream: workload.Upstream{}})
	if err != nil {
		return waiting, done, err
	}
	v, err := m.Create(ctx, carrierfsm.NewVerification{})
	for i, submission := range workload.Submissions {
		if err == nil {
			v, err = m.Submit(ctx, v.ID, submission(v.Step))
		}
		if i == 1 {
			waiting = modelOf(ctx, store, v.ID)
		}
	}
	return waiting, modelOf(ctx, store, v.ID), err
}

func modelOf(ctx context.Context, s carrierfsm.Store, id string) (m model) {
	m.record, _ = s.Load(ctx, id) // of a store in memory
	m.history, _ = s.History(ctx, id, 0, 100)
	return m
}

// copyOf is the model as another verification, as old as it is told.
func (m model) copyOf(age time.Duration) (carrierfsm.Record, []carrierfsm.Entry, error) {
	id, err := uuid.NewV7()
	r := m.record
	r.ID, r.Version = id.String(), 1
	r.Created, r.Updated = r.Created.Add(-age), r.Updated.Add(-age)
	if !r.Due.IsZero() {
		r.Due = r.Due.Add(time.Hour + age) // not while this measures
	}
	_, _ = rand.Read(r.CommitID[:]) // never fails, by its contract
	entries := make([]carrierfsm.Entry, len(m.history))
	for i, e := range m.history {
		e.ID, e.At = r.ID, e.At.Add(-age)
		entries[i] = e
	}
	return r, entries, err
}

// fillers is how many fill at once: as many as share one transaction at most.
const fillers = 256

// waitingShare: one in so many waits, the others are done.
const waitingShare = 10

// fill puts verifications into a store, without waiting for the disk.
func fill(ctx context.Context, p subject.Place, n int) (err error) {
	switch {
	case p.Medium.SQLite():
		p.Medium = subject.SQLiteNormal
	default:
		p.DSN += " options='-c synchronous_commit=off'"
	}
	store, closing, err := engine.OpenStore(ctx, p)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, closing()) }()
	waiting, done, err := models(ctx)
	if err != nil {
		return err
	}
	errs := make(chan error, fillers)
	var all sync.WaitGroup
	for f := range fillers {
		all.Go(func() { errs <- fillPart(ctx, store, waiting, done, f, n) })
	}
	all.Wait()
	close(errs)
	for e := range errs {
		err = errors.Join(err, e)
	}
	return err
}

// fillPart puts in what one filler has to.
func fillPart(ctx context.Context, store carrierfsm.Store, waiting, done model, from, n int) error {
	for i := from; i < n; i += fillers {
		m := done
		if i%waitingShare == 0 {
			m = waiting
		}
		r, entries, err := m.copyOf(time.Duration(n-i) * time.Millisecond)
		if err == nil {
			err = store.Create(ctx, r, entries...)
		}
		if err != nil {
			return fmt.Errorf("filling: %w", err)
		}
	}
	return nil
}
