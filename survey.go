package carrierfsm

import (
	"cmp"
	"context"
	"slices"
	"time"
)

// Surveyor is a further power of a Store: it shows operators how its
// verifications have fared. All stores of this module have it.
type Surveyor interface {
	// Survey returns the verifications that were created at or after from and
	// before until, in the order of their creation, ties by ascending id, at most
	// limit of them. Its cost grows with what it returns, not with what the
	// store holds, in a store on disk. The rules of Store hold here too.
	Survey(ctx context.Context, from, until time.Time, limit int) ([]Course, error)
}

// Course is one verification and where it has been, without anything that may
// be sealed.
type Course struct {
	// Record has no Body.
	Record Record
	// Entries are its history in the order of their steps, without Details.
	Entries []Entry
}

// SurveyQuery tells what Machine.Survey looks at. The zero value is usable.
type SurveyQuery struct {
	// Window is how far it looks back. Defaults to 24 h.
	Window time.Duration
	// Most is the most verifications to look at. Defaults to 4,800.
	Most int
}

// surveySlices are the parts of a window, from each of which as many verifications may be looked at.
const surveySlices = 24

// Survey are figures over the verifications created in a window.
type Survey struct {
	// From and Until bound the window: by creation, not by change.
	From, Until time.Time
	// Sampled tells that not all of them were looked at: of each of the 24 equal
	// parts of the window only the first ones were, SurveyQuery.Most in all.
	Sampled bool
	// All are the figures over all that were looked at.
	All Figures
	// Sources are the same by website, the present one of each verification, in
	// the order of their names. Those that have none yet are under "".
	Sources []Figures
}

// Figures are what a Survey tells of some verifications.
type Figures struct {
	// Source is the website; empty for all, and for those that have none.
	Source string
	// Looked is how many there are, and InFlight how many of them have an answer under way.
	Looked, InFlight int
	// Now is how many stand in each state, Reached how many ever came there.
	Now, Reached map[State]int
	// Reasons is the latest event of those that have failed.
	Reasons map[Event]int
	// Stays are the visits to each state that have ended by leaving for another.
	Stays map[State]Stay
}

// Stay is how long verifications stay in a state.
type Stay struct {
	// Visits is how many of them it tells of, at least 1. A state may be visited again.
	Visits int
	// Median and P90 are the times that half and nine tenths of them did not exceed.
	Median, P90 time.Duration
}

// Survey looks at the verifications of late, or at a sample where there are
// many, and tells how they fared. It reads columns only. It returns
// ErrNoSurveyor, ErrInvalid or ErrStore.
func (m *Machine) Survey(ctx context.Context, q SurveyQuery) (Survey, error) {
	store, ok := m.cfg.Store.(Surveyor)
	if !ok {
		return Survey{}, ErrNoSurveyor
	}
	if err := firstError(orDefault(&q.Window, 24*time.Hour), orDefault(&q.Most, 4800)); err != nil {
		return Survey{}, err
	}
	s := Survey{Until: m.now()}
	s.From = s.Until.Add(-q.Window)
	t, step, limit := newTally(), q.Window/surveySlices, max(1, q.Most/surveySlices)
	for i := range surveySlices {
		from := s.From.Add(time.Duration(i) * step)
		until := from.Add(step)
		if i == surveySlices-1 {
			until = s.Until.Add(time.Minute) // another replica's clock may be ahead
		}
		courses, err := store.Survey(ctx, storeTime(from), storeTime(until), limit+1)
		if err != nil {
			return Survey{}, storeError(err)
		}
		s.Sampled = s.Sampled || len(courses) > limit
		t.add(courses[:min(limit, len(courses))])
	}
	s.All, s.Sources = t.figures()
	return s, nil
}

// tally counts courses, all together and by source.
type tally struct {
	all     *count
	sources map[string]*count
}

// count is Figures in the making.
type count struct {
	Figures
	stays map[State][]time.Duration
}

func newTally() tally { return tally{newCount(""), make(map[string]*count)} }

func newCount(source string) *count {
	return &count{
		Figures: Figures{
			Source: source, Now: make(map[State]int), Reached: make(map[State]int),
			Reasons: make(map[Event]int), Stays: make(map[State]Stay),
		},
		stays: make(map[State][]time.Duration),
	}
}

func (t tally) add(courses []Course) {
	for _, c := range courses {
		source := c.Record.Source
		if t.sources[source] == nil {
			t.sources[source] = newCount(source)
		}
		t.all.add(c)
		t.sources[source].add(c)
	}
}

func (n *count) add(c Course) {
	n.Looked++
	n.Now[c.Record.State]++
	if c.Record.InFlight {
		n.InFlight++
	}
	if c.Record.State == Failed {
		n.Reasons[c.Record.Reason]++
	}
	reached := map[State]bool{Created: true}
	at, since := Created, c.Record.Created
	for _, e := range c.Entries {
		if e.To == at {
			continue
		}
		n.stays[at] = append(n.stays[at], max(0, e.At.Sub(since))) // clocks differ
		at, since = e.To, e.At
		reached[at] = true
	}
	for s := range reached {
		n.Reached[s]++
	}
}

func (t tally) figures() (all Figures, sources []Figures) {
	for _, n := range t.sources {
		sources = append(sources, n.figures())
	}
	slices.SortFunc(sources, func(a, b Figures) int { return cmp.Compare(a.Source, b.Source) })
	return t.all.figures(), sources
}

func (n *count) figures() Figures {
	for s, list := range n.stays {
		slices.Sort(list)
		n.Stays[s] = Stay{Visits: len(list), Median: quantile(list, 50), P90: quantile(list, 90)}
	}
	return n.Figures
}

// quantile is the smallest of the sorted values that so many percent of them do
// not exceed.
func quantile(sorted []time.Duration, percent int) time.Duration {
	return sorted[max(0, (len(sorted)*percent+99)/100-1)]
}
