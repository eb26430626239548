package console

import (
	"cmp"
	"slices"
	"time"

	"github.com/carrierfsm/carrierfsm"
)

// figures are a survey as tables.
type figures struct {
	carrierfsm.Survey
	States  []carrierfsm.State // the columns
	Staying []carrierfsm.State // those in which time passes
	Rows    []carrierRow       // all first, then by carrier
	Funnel  []step
	Reasons []reason

	Done, Failed int // that came there
}

// carrierRow is one carrier's figures.
type carrierRow struct {
	carrierfsm.Figures
	All bool
}

// Label is what the row is called.
func (r carrierRow) Label() string {
	switch {
	case r.All:
		return "all"
	case r.Source == "":
		return "none yet"
	default:
		return r.Source
	}
}

// step is one state of the funnel; Width is its share of the longest bar.
type step struct {
	State   carrierfsm.State
	Reached int
	Width   int
}

// barWidth is that of the longest bar.
const barWidth = 240

// reason is why so many have failed.
type reason struct {
	Event  carrierfsm.Event
	Failed int
}

func figuresOf(s carrierfsm.Survey) figures {
	f := figures{Survey: s, States: carrierfsm.States(), Rows: []carrierRow{{Figures: s.All, All: true}}}
	for _, source := range s.Sources {
		f.Rows = append(f.Rows, carrierRow{Figures: source})
	}
	for _, state := range f.States {
		if !state.Terminal() && state != carrierfsm.Applied { // which is left in the same commit
			f.Staying = append(f.Staying, state)
		}
		n := s.All.Reached[state]
		f.Funnel = append(f.Funnel, step{State: state, Reached: n, Width: n * barWidth / max(1, s.All.Looked)})
	}
	f.Done, f.Failed = s.All.Reached[carrierfsm.Done], s.All.Reached[carrierfsm.Failed]
	for event, n := range s.All.Reasons {
		f.Reasons = append(f.Reasons, reason{event, n})
	}
	slices.SortFunc(f.Reasons, func(a, b reason) int { return cmp.Or(b.Failed-a.Failed, cmp.Compare(a.Event, b.Event)) })
	return f
}

// knownSources are the carriers that the latest figures name, to choose from.
func (c *Console) knownSources() (names []string) {
	survey, known := c.surveys.known(windows[0].Length)
	if !known {
		return nil
	}
	for _, s := range survey.Sources {
		if s.Source != "" {
			names = append(names, s.Source)
		}
	}
	return names
}

// Part is the window's twenty-fourth, which a sample is taken of.
func (f figures) Part() time.Duration { return f.Until.Sub(f.From) / 24 }
