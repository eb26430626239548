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

// noReply are the outcomes of calls without a usable reply: perhaps received, answered
// by something that no rule knows, or certainly not sent.
var noReply = map[carrierfsm.Event]bool{
	carrierfsm.OutcomeUnknown: true, carrierfsm.ReplyUnrecognized: true, carrierfsm.UpstreamUnavailable: true,
}

// noCall are the events that are no outcome of a person's call: the machine or the host
// made them, or they follow another one in the same commit.
var noCall = map[carrierfsm.Event]bool{
	carrierfsm.CaptchaExpired: true, carrierfsm.AttemptsExhausted: true, carrierfsm.Expired: true, carrierfsm.Canceled: true,
	carrierfsm.Erased: true, carrierfsm.ReportReady: true, carrierfsm.ReportFailed: true,
}

// add adds counts.
func (s *sums) add(counts figures.Counts) {
	for edge, c := range counts {
		entered := edge.From != edge.To
		switch {
		case edge.From == carrierfsm.Created && edge.To == carrierfsm.Applied:
			s.Started += c.N
		case entered && edge.To == carrierfsm.Done:
			s.Done += c.N
		case entered && edge.To == carrierfsm.Failed:
			s.Failed += c.N
			s.Reasons[edge.Event] += c.N
		}
		if !noCall[edge.Event] && edge.From != carrierfsm.Applied {
			s.Calls += c.N
		}
		if noReply[edge.Event] {
			s.Unknown += c.N
		}
		if c.Dwells.N() > 0 {
			if s.Dwells[edge.From] == nil {
				s.Dwells[edge.From] = new(figures.Histogram)
			}
			s.Dwells[edge.From].Add(&c.Dwells)
		}
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
			all.add(rows[i].Counts)
			sources.of(rows[i].Source).add(rows[i].Counts)
		}
	}
	return all, sources
}
