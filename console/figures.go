package console

import (
	"cmp"
	"slices"
	"time"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/store/survey"
)

// figures are a survey arranged as tables.
type figures struct {
	survey.Survey
	States      []carrierfsm.State // the columns
	TimedStates []carrierfsm.State // those that a verification spends time in
	Rows        []carrierRow       // the total first, then by carrier
	Funnel      []funnelRow
	Reasons     []reasonRow

	Done, Failed int // how many reached the state
}

// carrierRow is one carrier's figures, or those of all.
type carrierRow struct {
	survey.Figures
	All bool
}

// Label is the heading of the row.
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

// funnelRow is one state of the funnel; Width is that of its bar.
type funnelRow struct {
	State   carrierfsm.State
	Reached int
	Width   int
}

// barWidth is the width of the longest bar.
const barWidth = 240

// reasonRow is how many verifications failed by one event.
type reasonRow struct {
	Event  carrierfsm.Event
	Failed int
}

func figuresOf(s survey.Survey) figures {
	f := figures{Survey: s, States: carrierfsm.States(), Rows: []carrierRow{{Figures: s.All, All: true}}}
	for _, source := range s.Sources {
		f.Rows = append(f.Rows, carrierRow{Figures: source})
	}
	for _, state := range f.States {
		if !state.Terminal() && state != carrierfsm.Applied { // which is left in the same commit
			f.TimedStates = append(f.TimedStates, state)
		}
		n := s.All.Reached[state]
		f.Funnel = append(f.Funnel, funnelRow{State: state, Reached: n, Width: n * barWidth / max(1, s.All.Count)})
	}
	f.Done, f.Failed = s.All.Reached[carrierfsm.Done], s.All.Reached[carrierfsm.Failed]
	for event, n := range s.All.Reasons {
		f.Reasons = append(f.Reasons, reasonRow{event, n})
	}
	slices.SortFunc(f.Reasons, func(a, b reasonRow) int { return cmp.Or(b.Failed-a.Failed, cmp.Compare(a.Event, b.Event)) })
	return f
}

// knownSources returns the carriers in the cached figures, as suggestions for
// the filter.
func (c *Console) knownSources() (names []string) {
	cached, known := c.surveys.latest(windows[0].Length)
	if !known {
		return nil
	}
	for _, s := range cached.Sources {
		if s.Source != "" {
			names = append(names, s.Source)
		}
	}
	return names
}

// Part is the length of one of the 24 parts of the window; a sample takes the
// first verifications of each.
func (f figures) Part() time.Duration { return f.Until.Sub(f.From) / 24 }
