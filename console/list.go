package console

import (
	"context"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"time"

	"github.com/carrierfsm/carrierfsm"
)

// ages are the ages that a list can ask for.
var ages = []choice{
	{"", "any age"}, {"5m", "over 5 minutes"}, {"1h", "over 1 hour"}, {"24h", "over 1 day"}, {"168h", "over 7 days"},
}

// choice is one of a select's options.
type choice struct{ Value, Label string }

// underWay is the choice of all states that have not ended.
const underWay = "under_way"

// stateChoices are all states, and all that have not ended.
var stateChoices = func() []choice {
	list := []choice{{"", "any state"}, {underWay, "not ended"}}
	for _, s := range carrierfsm.States() {
		if s != carrierfsm.Applied { // left in the same commit: nobody stands there
			list = append(list, choice{string(s), plain(string(s))})
		}
	}
	return list
}()

// eventChoices are all events that a verification can stand at.
var eventChoices = func() []choice {
	list := []choice{{"", "any event"}}
	for _, e := range carrierfsm.Edges() {
		c := choice{string(e.Event), plain(string(e.Event))}
		if e.To != carrierfsm.Applied && !slices.Contains(list, c) {
			list = append(list, c)
		}
	}
	return list
}()

// living are the states that have not ended.
var living = slices.DeleteFunc(carrierfsm.States(), carrierfsm.State.Terminal)

// website is what a carrier's name looks like.
var website = regexp.MustCompile(`^[A-Za-z0-9_.-]{1,64}$`)

// listForm is what the list was asked for, in the words of its form.
type listForm struct {
	State, Source, Event, Age, InFlight string

	States, Events, Ages []choice
	Sources              []string // that are known, to choose from
}

// filter reads the form.
func (f listForm) filter(now time.Time) (w filter, err error) {
	for _, c := range []struct {
		value string
		of    []choice
	}{{f.State, f.States}, {f.Event, f.Events}, {f.Age, f.Ages}} {
		if !slices.ContainsFunc(c.of, func(o choice) bool { return o.Value == c.value }) {
			return w, errBadRequest
		}
	}
	if f.Source != "" && !website.MatchString(f.Source) || f.InFlight != "" && f.InFlight != "on" {
		return w, errBadRequest
	}
	w.source, w.inFlight = f.Source, f.InFlight != ""
	switch f.State {
	case "":
	case underWay:
		w.states = living
	default:
		w.states = []carrierfsm.State{carrierfsm.State(f.State)}
	}
	if f.Event != "" {
		w.reasons = []carrierfsm.Event{carrierfsm.Event(f.Event)}
	}
	if f.Age != "" {
		age, err := time.ParseDuration(f.Age)
		if err != nil {
			return w, errBadRequest
		}
		w.before = now.Add(-age)
	}
	return w, nil
}

// Query is the form as a link carries it.
func (f listForm) Query() url.Values {
	q := url.Values{}
	for _, v := range []choice{{"state", f.State}, {"source", f.Source}, {"event", f.Event}, {"age", f.Age}, {"in_flight", f.InFlight}} {
		if v.Label != "" {
			q.Set(v.Value, v.Label)
		}
	}
	return q
}

// From is the link to the page behind a mark, or to the first.
func (f listForm) From(m carrierfsm.ListMark) string {
	q := f.Query()
	if m != (carrierfsm.ListMark{}) {
		q.Set("after", mark(m.Created, m.ID))
	}
	return "list?" + q.Encode()
}

// listing is the page of a list.
type listing struct {
	Form  listForm
	Found found
	First bool // of its pages
}

func (c *Console) list(q *request) error {
	ctx, cancel := context.WithTimeout(q.Context(), patience)
	defer cancel()
	v := q.URL.Query()
	form := listForm{
		State: v.Get("state"), Source: v.Get("source"), Event: v.Get("event"), Age: v.Get("age"), InFlight: v.Get("in_flight"),
		States: stateChoices, Events: eventChoices, Ages: ages, Sources: c.knownSources(),
	}
	wanted, err := form.filter(q.now)
	if err != nil {
		return err
	}
	after, err := markOf(v.Get("after"))
	if err != nil {
		return err
	}
	page, err := c.search(ctx, wanted, after)
	if err != nil {
		return err
	}
	c.show(q, http.StatusOK, "list", "Verifications", listing{Form: form, Found: page, First: v.Get("after") == ""})
	return nil
}
