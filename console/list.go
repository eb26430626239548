package console

import (
	"context"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"time"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/store/acts"
)

// ages are the choices of the filter by age.
var ages = []choice{
	{"", "any age"}, {"5m", "over 5 minutes"}, {"1h", "over 1 hour"}, {"24h", "over 1 day"}, {"168h", "over 7 days"},
}

// choice is an option of a select element.
type choice struct{ Value, Label string }

// notEnded is the choice of all states that are not terminal.
const notEnded = "under_way"

// stateChoices are the choices of the filter by state.
var stateChoices = func() []choice {
	list := []choice{{"", "any state"}, {notEnded, "not ended"}}
	for _, s := range carrierfsm.States() {
		if s != carrierfsm.Applied { // never stored: it is left in the same commit
			list = append(list, choice{string(s), humanize(string(s))})
		}
	}
	return list
}()

// eventChoices are the choices of the filter by latest event.
var eventChoices = func() []choice {
	list := []choice{{"", "any event"}}
	for _, e := range carrierfsm.Edges() {
		c := choice{string(e.Event), humanize(string(e.Event))}
		if e.To != carrierfsm.Applied && !slices.Contains(list, c) {
			list = append(list, c)
		}
	}
	return list
}()

// activeStates are the states that are not terminal.
var activeStates = slices.DeleteFunc(carrierfsm.States(), carrierfsm.State.Terminal)

// websitePattern matches the names of carriers.
var websitePattern = regexp.MustCompile(`^[A-Za-z0-9_.-]{1,64}$`)

// listForm is the filter form with its values and choices.
type listForm struct {
	State, Source, Event, Age, InFlight string

	States, Events, Ages []choice
	Sources              []string // suggestions
}

// filter validates the form's values.
func (f listForm) filter(now time.Time) (w filter, err error) {
	for _, c := range []struct {
		value string
		of    []choice
	}{{f.State, f.States}, {f.Event, f.Events}, {f.Age, f.Ages}} {
		if !slices.ContainsFunc(c.of, func(o choice) bool { return o.Value == c.value }) {
			return w, errBadRequest
		}
	}
	if f.Source != "" && !websitePattern.MatchString(f.Source) || f.InFlight != "" && f.InFlight != "on" {
		return w, errBadRequest
	}
	w.source, w.inFlight = f.Source, f.InFlight != ""
	switch f.State {
	case "":
	case notEnded:
		w.states = activeStates
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

// Query returns the form's values as the query of a link.
func (f listForm) Query() url.Values {
	q := url.Values{}
	for _, v := range []choice{{"state", f.State}, {"source", f.Source}, {"event", f.Event}, {"age", f.Age}, {"in_flight", f.InFlight}} {
		if v.Label != "" {
			q.Set(v.Value, v.Label)
		}
	}
	return q
}

// From returns the link to the page after m; the zero value is the first page.
func (f listForm) From(m carrierfsm.PageKey) string {
	q := f.Query()
	if m != (carrierfsm.PageKey{}) {
		q.Set("after", formatPageKey(m.Time, m.ID))
	}
	return "list?" + q.Encode()
}

// listPage is the data of the list.
type listPage struct {
	Form  listForm
	Found searchResult
	First bool // it is the first page
	Error string
}

func (c *Console) list(q *request) error {
	ctx, cancel := context.WithTimeout(q.Context(), timeout)
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
	after, err := parsePageKey(v.Get("after"))
	if err != nil {
		return err
	}
	page, err := c.search(ctx, wanted, after)
	if err == nil {
		err = c.looked(ctx, q, acts.Act{Kind: acts.List, Count: len(page.Rows)})
	}
	if err != nil {
		return err
	}
	data := listPage{Form: form, Found: page, First: v.Get("after") == ""}
	if page.Failed != nil {
		data.Error = c.partFailed(q, page.Failed)
	}
	c.render(q, http.StatusOK, "list", "Verifications", data)
	return nil
}
