// Package scale measures the cost of transitions and queries in large stores.
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
	"github.com/carrierfsm/carrierfsm/budget"
	"github.com/carrierfsm/carrierfsm/store/memory"
)

// template is one verification as a store keeps it.
type template struct {
	record  carrierfsm.Record
	history []carrierfsm.Entry
}

// recordTemplates returns two templates: one that waits for a code, and one that is
// done.
func recordTemplates(ctx context.Context) (waiting, done template, err error) {
	store := memory.New()
	m, err := carrierfsm.New(carrierfsm.Config{Numbers: budget.None(), Store: store, Upstream: workload.Upstream{}})
	if err != nil {
		return waiting, done, err
	}
	v, err := m.Create(ctx, carrierfsm.NewVerification{})
	for i, submission := range workload.Submissions {
		if err == nil {
			v, err = m.Submit(ctx, v.ID, submission(v.Step))
		}
		if i == 1 {
			waiting = loadTemplate(ctx, store, v.ID)
		}
	}
	return waiting, loadTemplate(ctx, store, v.ID), err
}

func loadTemplate(ctx context.Context, s carrierfsm.Store, id string) (m template) {
	m.record, _ = s.Load(ctx, id) // never fails in memory
	m.history, _ = s.History(ctx, id, 0, 100)
	return m
}

// instance returns a new verification like the template, with an age.
func (m template) instance(age time.Duration) (carrierfsm.Record, []carrierfsm.Entry, error) {
	id, err := uuid.NewV7()
	r := m.record
	r.ID, r.Version = id.String(), 1
	r.Created, r.Updated = r.Created.Add(-age), r.Updated.Add(-age)
	if !r.Due.IsZero() {
		r.Due = r.Due.Add(time.Hour + age) // not due during the measurement
	}
	_, _ = rand.Read(r.CommitID[:]) // never fails, by its contract
	entries := make([]carrierfsm.Entry, len(m.history))
	for i, e := range m.history {
		e.ID, e.At = r.ID, e.At.Add(-age)
		entries[i] = e
	}
	return r, entries, err
}

// fillWorkers is the number of goroutines that fill a store: the largest number of
// commits in one transaction.
const fillWorkers = 256

// One in waitingShare verifications waits; the others are done.
const waitingShare = 10

// Stored is what Fill has stored: transitions, and verifications that have ended.
type Stored struct{ Transitions, Ended int }

// Fill creates the tables of a store and n verifications in it, of which one in ten
// waits for a person and the others are done.
func Fill(ctx context.Context, p subject.Storage, n int) (s Stored, err error) {
	waiting, done, err := recordTemplates(ctx)
	if err == nil {
		err = errors.Join(createTables(ctx, p), fill(ctx, p, n), vacuum(ctx, p))
	}
	waits := (n + waitingShare - 1) / waitingShare
	s.Ended = n - waits
	s.Transitions = waits*len(waiting.history) + s.Ended*len(done.history)
	return s, err
}

// FillDue adds n verifications to a store whose form was awaited until some time ago.
func FillDue(ctx context.Context, p subject.Storage, n int) error {
	store := memory.New()
	m, err := carrierfsm.New(carrierfsm.Config{
		Numbers: budget.None(), Store: store, Upstream: workload.Upstream{}, Now: func() time.Time { return time.Now().Add(-dueAge) },
	})
	if err != nil {
		return err
	}
	v, err := m.Create(ctx, carrierfsm.NewVerification{})
	if err != nil {
		return err
	}
	due := loadTemplate(ctx, store, v.ID)
	return fillWith(ctx, p, n, func(int) template { return due })
}

// dueAge is the age of a verification that is due, longer than a form is awaited.
const dueAge = 365 * 24 * time.Hour

// fill creates n verifications in a store, without waiting for the disk.
func fill(ctx context.Context, p subject.Storage, n int) error {
	waiting, done, err := recordTemplates(ctx)
	if err != nil {
		return err
	}
	return fillWith(ctx, p, n, func(i int) template {
		if i%waitingShare == 0 {
			return waiting
		}
		return done
	})
}

// fillWith creates n verifications like the templates.
func fillWith(ctx context.Context, p subject.Storage, n int, like func(i int) template) (err error) {
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
	errs := make(chan error, fillWorkers)
	var all sync.WaitGroup
	for f := range fillWorkers {
		all.Go(func() { errs <- fillPart(ctx, store, like, f, n) })
	}
	all.Wait()
	close(errs)
	for e := range errs {
		err = errors.Join(err, e)
	}
	return err
}

// fillPart creates the verifications of one worker.
func fillPart(ctx context.Context, store carrierfsm.Store, like func(i int) template, from, n int) error {
	for i := from; i < n; i += fillWorkers {
		r, entries, err := like(i).instance(time.Duration(n-i) * time.Millisecond)
		if err == nil {
			err = store.Create(ctx, r, entries...)
		}
		if err != nil {
			return fmt.Errorf("filling: %w", err)
		}
	}
	return nil
}
