package console

import (
	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/store/figures"
)

// sums are the counts of the overview over some rows of figures.
type sums struct {
	// Started are applications that upstream accepted, Done and Failed verifications
	// that ended so.
	Started, Done, Failed int64
	// Calls are outcomes of calls upstream; Unknown are those without a usable reply.
	Calls, Unknown int64
	// Reasons are the events by which verifications failed.
	Reasons map[carrierfsm.Event]int64
	// Dwells are the times in each state, of visits that ended.
	Dwells map[carrierfsm.State]*figures.Histogram
}

func newSums() *sums {
	return &sums{Reasons: make(map[carrierfsm.Event]int64), Dwells: make(map[carrierfsm.State]*figures.Histogram)}
}

// noReply reports whether an event is the outcome of a call without a usable reply:
// perhaps received, answered by something that no rule knows, or certainly not sent.
func noReply(e carrierfsm.Event) bool {
	switch e {
	case carrierfsm.OutcomeUnknown, carrierfsm.ReplyUnrecognized, carrierfsm.UpstreamUnavailable:
		return true
	}
	return false
}

// noCall reports whether an event is no outcome of a person's call: the machine or the
// host made it, or a report did.
func noCall(e carrierfsm.Event) bool {
	switch e {
	case carrierfsm.CaptchaExpired, carrierfsm.AttemptsExhausted, carrierfsm.Expired, carrierfsm.Canceled,
		carrierfsm.Erased, carrierfsm.ReportReady, carrierfsm.ReportFailed:
		return true
	}
	return false
}

// add adds counts.
func (s *sums) add(counts figures.Counts) {
	s.addNumbers(counts)
	for i := range counts {
		c := &counts[i]
		if c.From != c.To && c.To == carrierfsm.Failed {
			s.Reasons[c.Event] += c.N
		}
		if c.Dwells.Sum > 0 {
			s.addDwells(c.From, &c.Dwells)
		}
	}
}

// addNumbers is add without Reasons and Dwells.
func (s *sums) addNumbers(counts figures.Counts) {
	for i := range counts {
		c := &counts[i]
		switch entered := c.From != c.To; {
		case c.From == carrierfsm.Created && c.To == carrierfsm.Applied:
			s.Started += c.N
		case entered && c.To == carrierfsm.Done:
			s.Done += c.N
		case entered && c.To == carrierfsm.Failed:
			s.Failed += c.N
		}
		if c.From != carrierfsm.Applied && !noCall(c.Event) {
			s.Calls += c.N
		}
		if noReply(c.Event) {
			s.Unknown += c.N
		}
	}
}

func (s *sums) addDwells(state carrierfsm.State, h *figures.Histogram) {
	if s.Dwells[state] == nil {
		s.Dwells[state] = new(figures.Histogram)
	}
	s.Dwells[state].Add(h)
}

// addSums adds other sums.
func (s *sums) addSums(other *sums) {
	s.Started, s.Done, s.Failed = s.Started+other.Started, s.Done+other.Done, s.Failed+other.Failed
	s.Calls, s.Unknown = s.Calls+other.Calls, s.Unknown+other.Unknown
	for event, n := range other.Reasons {
		s.Reasons[event] += n
	}
	for state, h := range other.Dwells {
		s.addDwells(state, h)
	}
}

// Ended is how many verifications ended.
func (s *sums) Ended() int64 { return s.Done + s.Failed }

// Bad reports whether a tenth of the calls got no usable reply.
func (s *sums) Bad() bool { return s.Unknown*10 >= s.Calls && s.Unknown > 0 }

// Dwell is the histogram of a state; nil where no visit ended.
func (s *sums) Dwell(state carrierfsm.State) *figures.Histogram { return s.Dwells[state] }

// bySource are sums by website.
type bySource map[string]*sums

func (b bySource) of(source string) *sums {
	if b[source] == nil {
		b[source] = newSums()
	}
	return b[source]
}

// sumUp adds rows up, all together and by website.
func sumUp(lists ...[]figures.Row) (all *sums, sources bySource) {
	all, sources = newSums(), make(bySource)
	for _, rows := range lists {
		for i := range rows {
			sources.of(rows[i].Source).add(rows[i].Counts)
		}
	}
	for _, s := range sources {
		all.addSums(s)
	}
	return all, sources
}
