// Package survey computes figures over the verifications of a store for
// operators: how many reached each state, and how long they stayed.
package survey

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/carrierfsm/carrierfsm"
)

// Surveyor is a further power of a carrierfsm.Store. All stores of this module
// have it.
type Surveyor interface {
	// Survey returns the verifications that were created at or after from and
	// before until, in the order of their creation, ties by ascending id, at most
	// limit of them. In a store on disk its cost grows with what it returns, not
	// with what the store holds. The rules of carrierfsm.Store apply here too.
	Survey(ctx context.Context, from, until time.Time, limit int) ([]Timeline, error)
}

// Timeline is one verification and its history, without anything that may be
// sealed.
type Timeline struct {
	// Record has no Body.
	Record carrierfsm.Record
	// Entries are its history in the order of their steps, without Details.
	Entries []carrierfsm.Entry
}

// Query is what to survey. The zero value is usable.
type Query struct {
	// Now is the end of the window. Defaults to the present time.
	Now time.Time
	// Window is how far back the survey goes. Defaults to 24 h.
	Window time.Duration
	// Limit is the most verifications to read, at least one of each of the 24
	// parts of the window. Defaults to 4,800.
	Limit int
}

// slices of the window: each has the same share of Query.Limit.
const windowSlices = 24

// Survey are figures over the verifications that were created in a window.
type Survey struct {
	// From and Until bound the window: by creation, not by change.
	From, Until time.Time
	// Sampled reports that not all verifications were read: of each of the 24
	// equal parts of the window only the first ones, Query.Limit in total.
	Sampled bool
	// All are the figures over all verifications that were read.
	All Figures
	// Sources are the same by website, the present one of each verification, in
	// the order of their names. Verifications without a website are under "".
	Sources []Figures
}

// Figures are the figures over some verifications.
type Figures struct {
	// Source is the website; empty for all, and for those that have none.
	Source string
	// Count is how many verifications there are, and InFlight how many of them
	// have an answer under way.
	Count, InFlight int
	// Now is how many are in each state, Reached how many ever were.
	Now, Reached map[carrierfsm.State]int
	// Reasons is the latest event of those that have failed.
	Reasons map[carrierfsm.Event]int
	// Dwells are the times in each state, of visits that have ended.
	Dwells map[carrierfsm.State]Dwell
}

// Dwell is how long verifications stay in a state.
type Dwell struct {
	// Visits is how many visits were measured, at least 1. A verification may
	// visit a state more than once.
	Visits int
	// Median and P90 are the times that half and nine tenths of the visits did
	// not exceed.
	Median, P90 time.Duration
}

// Take surveys the latest verifications, or a sample where there are many. It
// reads columns only. It returns carrierfsm.ErrInvalid, ErrStore or the context's
// error. With a *carrierfsm.ShardsError, which matches ErrStore, it returns the survey of
// the shards that answered.
func Take(ctx context.Context, store Surveyor, q Query) (Survey, error) {
	if store == nil || q.Window < 0 || q.Limit < 0 {
		return Survey{}, fmt.Errorf("%w: survey: no store, or a negative value in Query", carrierfsm.ErrInvalid)
	}
	q.Now = cmp.Or(q.Now, time.Now())
	q.Window = cmp.Or(q.Window, 24*time.Hour)
	q.Limit = cmp.Or(q.Limit, 4800)
	s := Survey{Until: storeTime(q.Now)}
	s.From = s.Until.Add(-q.Window)
	a, step, limit := newAggregate(), q.Window/windowSlices, max(1, q.Limit/windowSlices)
	var some *carrierfsm.ShardsError
	for i := range windowSlices {
		from := s.From.Add(time.Duration(i) * step)
		until := from.Add(step)
		if i == windowSlices-1 {
			until = s.Until.Add(time.Minute) // another replica's clock may be ahead
		}
		timelines, err := store.Survey(ctx, storeTime(from), storeTime(until), limit+1)
		if err != nil && !errors.As(err, &some) {
			return Survey{}, fmt.Errorf("%w: %w", cmp.Or(ctx.Err(), carrierfsm.ErrStore), err)
		}
		s.Sampled = s.Sampled || len(timelines) > limit
		a.add(timelines[:min(limit, len(timelines))])
	}
	s.All, s.Sources = a.figures()
	if some != nil {
		return s, some
	}
	return s, nil
}

// storeTime is a time in the precision of stores.
func storeTime(t time.Time) time.Time { return t.Truncate(time.Microsecond).UTC() }

// aggregate adds timelines up, all together and by source.
type aggregate struct {
	all     *counter
	sources map[string]*counter
}

// counter is Figures while they are being added up.
type counter struct {
	Figures
	dwells map[carrierfsm.State][]time.Duration
}

func newAggregate() aggregate { return aggregate{newCounter(""), make(map[string]*counter)} }

func newCounter(source string) *counter {
	return &counter{
		Figures: Figures{
			Source: source, Now: make(map[carrierfsm.State]int), Reached: make(map[carrierfsm.State]int),
			Reasons: make(map[carrierfsm.Event]int), Dwells: make(map[carrierfsm.State]Dwell),
		},
		dwells: make(map[carrierfsm.State][]time.Duration),
	}
}

func (a aggregate) add(timelines []Timeline) {
	for _, c := range timelines {
		source := c.Record.Source
		if a.sources[source] == nil {
			a.sources[source] = newCounter(source)
		}
		a.all.add(c)
		a.sources[source].add(c)
	}
}

func (n *counter) add(c Timeline) {
	n.Count++
	n.Now[c.Record.State]++
	if c.Record.InFlight {
		n.InFlight++
	}
	if c.Record.State == carrierfsm.Failed {
		n.Reasons[c.Record.Reason]++
	}
	reached := map[carrierfsm.State]bool{carrierfsm.Created: true}
	at, since := carrierfsm.Created, c.Record.Created
	for _, e := range c.Entries {
		if e.To == at {
			continue
		}
		n.dwells[at] = append(n.dwells[at], max(0, e.At.Sub(since))) // the clocks of replicas differ
		at, since = e.To, e.At
		reached[at] = true
	}
	for s := range reached {
		n.Reached[s]++
	}
}

func (a aggregate) figures() (all Figures, sources []Figures) {
	for _, n := range a.sources {
		sources = append(sources, n.figures())
	}
	slices.SortFunc(sources, func(a, b Figures) int { return cmp.Compare(a.Source, b.Source) })
	return a.all.figures(), sources
}

func (n *counter) figures() Figures {
	for s, list := range n.dwells {
		slices.Sort(list)
		n.Dwells[s] = Dwell{Visits: len(list), Median: quantile(list, 50), P90: quantile(list, 90)}
	}
	return n.Figures
}

// quantile returns the smallest of the sorted values that the given percentage
// of them does not exceed.
func quantile(sorted []time.Duration, percent int) time.Duration {
	return sorted[max(0, (len(sorted)*percent+99)/100-1)]
}
