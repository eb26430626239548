package console

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"
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
	list := []choice{{notEnded, "not ended"}}
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

// listParams are the parameters of a list.
var listParams = []string{"find", "state", "source", "event", "age", "from", "until", "in_flight", "after"}

// maxText bounds a text of the filter form, in bytes.
const maxText = 128

// listForm is the filter form with its values and choices.
type listForm struct {
	Find, Source, Event, Age, From, Until, InFlight string

	Chosen []string // states

	States, Events, Ages []choice
	Sources              []string // suggestions
}

func (c *Console) listForm(v url.Values) listForm {
	get := func(name string) string { return strings.TrimSpace(v.Get(name)) }
	f := listForm{
		Find: get("find"), Source: get("source"), Event: get("event"), Age: get("age"), From: get("from"), Until: get("until"), InFlight: get("in_flight"),
		States: stateChoices, Events: eventChoices, Ages: ages, Sources: c.knownSources(),
	}
	for _, s := range v["state"] {
		if s != "" {
			f.Chosen = append(f.Chosen, s)
		}
	}
	return f
}

// Has reports whether a state was chosen.
func (f listForm) Has(state string) bool { return slices.Contains(f.Chosen, state) }

// filter validates the form's values.
func (f listForm) filter(now time.Time) (w filter, err error) {
	for _, s := range f.Chosen {
		switch {
		case s == notEnded:
			w.states = append(w.states, activeStates...)
		case has(stateChoices, s):
			w.states = append(w.states, carrierfsm.State(s))
		default:
			return w, badParam("state")
		}
	}
	switch {
	case !has(f.Events, f.Event):
		return w, badParam("event")
	case !has(f.Ages, f.Age):
		return w, badParam("age")
	case len(f.Source) > maxText:
		return w, badParam("source")
	case len(f.Find) > maxText:
		return w, badParam("find")
	case f.InFlight != "" && f.InFlight != "on":
		return w, badParam("in_flight")
	}
	w.source, w.find, w.inFlight = f.Source, f.Find, f.InFlight != ""
	if f.Event != "" {
		w.reasons = []carrierfsm.Event{carrierfsm.Event(f.Event)}
	}
	return w, f.setTimes(&w, now)
}

// setTimes sets the bounds of the creation.
func (f listForm) setTimes(w *filter, now time.Time) error {
	if f.Age != "" {
		age, err := time.ParseDuration(f.Age)
		if err != nil {
			return badParam("age")
		}
		w.before = now.Add(-age)
	}
	if f.From != "" {
		from, _, ok := parseMoment(f.From)
		if !ok {
			return badParam("from")
		}
		w.after = from.Add(-time.Microsecond)
	}
	if f.Until != "" {
		until, size, ok := parseMoment(f.Until)
		if !ok {
			return badParam("until")
		}
		if until = until.Add(size); w.before.IsZero() || until.Before(w.before) {
			w.before = until
		}
	}
	return nil
}

// parseMoment parses a day or a minute of UTC, or a time with its zone. size is how long
// what it names lasts.
func parseMoment(text string) (t time.Time, size time.Duration, ok bool) {
	for _, l := range []struct {
		layout string
		size   time.Duration
	}{{time.DateOnly, 24 * time.Hour}, {"2006-01-02T15:04", time.Minute}, {"2006-01-02 15:04", time.Minute}, {"2006-01-02T15:04:05", time.Second}, {time.RFC3339, 0}} {
		if t, err := time.Parse(l.layout, text); err == nil {
			return t.UTC(), l.size, true
		}
	}
	return t, 0, false
}

func has(list []choice, value string) bool {
	return slices.ContainsFunc(list, func(c choice) bool { return c.Value == value })
}

// Query returns the form's values as the query of a link.
func (f listForm) Query() url.Values {
	q := url.Values{}
	for _, s := range f.Chosen {
		q.Add("state", s)
	}
	for _, v := range []choice{
		{"find", f.Find}, {"source", f.Source}, {"event", f.Event}, {"age", f.Age}, {"from", f.From}, {"until", f.Until}, {"in_flight", f.InFlight},
	} {
		if v.Label != "" {
			q.Set(v.Value, v.Label)
		}
	}
	return q
}

// Link returns the link to the page of a list, after m; the zero value is the first page.
func (f listForm) Link(page string, m carrierfsm.PageKey) string {
	q := f.Query()
	if m != (carrierfsm.PageKey{}) {
		q.Set("after", formatPageKey(m.Time, m.ID))
	}
	if len(q) == 0 {
		return page
	}
	return page + "?" + q.Encode()
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
	page, err := c.readList(ctx, q, pageSize, acts.List)
	if err != nil {
		return err
	}
	c.render(q, http.StatusOK, "list", "Verifications", page)
	return nil
}

// readList reads a page of so many verifications, and logs the look.
func (c *Console) readList(ctx context.Context, q *request, size int, kind acts.Kind) (page listPage, err error) {
	v := q.URL.Query()
	page = listPage{Form: c.listForm(v), First: v.Get("after") == ""}
	wanted, err := page.Form.filter(q.now)
	if err != nil {
		return page, err
	}
	after, err := parsePageKey(v.Get("after"))
	if err != nil {
		return page, err
	}
	if wanted.find != "" && kind == acts.List {
		kind = acts.Find
	}
	if page.Found, err = c.search(ctx, wanted, after, size); err == nil {
		err = c.looked(ctx, q, acts.Act{Kind: kind, Count: len(page.Found.Rows)})
	}
	if page.Found.Failed != nil {
		page.Error = c.partFailed(q, page.Found.Failed)
	}
	return page, err
}
