package console

import (
	"fmt"
	"math"
	"time"

	"github.com/carrierfsm/carrierfsm"
)

// A carrier leaves its own normal where the latest minutes can't be explained by chance
// from what it did in the week before: so one that often fails is not marked for that,
// and one that seldom fails is marked soon.
const (
	// recentLong and recentShort are the latest minutes that are compared.
	recentLong, recentShort = 15 * time.Minute, 5 * time.Minute
	// leastBad is how many failures there have to be, and leastKnown how many
	// earlier verifications, before a share counts as normal.
	leastBad, leastKnown = 5, 20
	// leastMore is by how much a share has to be larger than its normal, and sigmas by
	// how many standard deviations.
	leastMore, sigmas = 0.10, 4
	// quietBelow is below which share of the day before a carrier is quiet, and slowAbove
	// above which multiple of the normal median it is slow.
	quietBelow, slowAbove = 0.2, 2
)

// unusual is a mark of a carrier.
type unusual struct {
	carrierRow
	Why []string
}

// worse reports whether bad of n is worse than badBefore of nBefore.
func worse(bad, n, badBefore, nBefore int64) bool {
	if bad < leastBad || nBefore < leastKnown {
		return false
	}
	normal := (float64(badBefore) + 0.5) / (float64(nBefore) + 1)
	expected := float64(n) * normal
	return float64(bad)/float64(n) >= normal+leastMore && float64(bad) > expected+sigmas*math.Sqrt(expected*(1-normal))
}

// whyUnusual says in which ways the latest minutes of a carrier are not normal. week is
// what it did before, and yesterday what it did at this time of the day before.
func whyUnusual(long, short, week, yesterday *sums) (why []string) {
	for _, s := range []*sums{short, long} {
		if worse(s.Unknown, s.Calls, week.Unknown, week.Calls) {
			why = append(why, fmt.Sprintf("no usable reply to %s of the calls, usually %s", percent(s.Unknown, s.Calls), usually(week.Unknown, week.Calls)))
			break
		}
	}
	for _, s := range []*sums{short, long} {
		if worse(s.Failed, s.Ended(), week.Failed, week.Ended()) {
			why = append(why, fmt.Sprintf("%s of those that end fail, usually %s", percent(s.Failed, s.Ended()), usually(week.Failed, week.Ended())))
			break
		}
	}
	if yesterday.Calls >= leastKnown && float64(long.Calls) < quietBelow*float64(yesterday.Calls) {
		why = append(why, fmt.Sprintf("quiet: %d calls, %d at this time of the day before", long.Calls, yesterday.Calls))
	}
	for _, state := range timedStates {
		now, before := long.Dwell(state), week.Dwell(state)
		if now == nil || before == nil || now.N() < leastKnown || before.N() < leastKnown {
			continue
		}
		if m, usual := now.Quantile(50), before.Quantile(50); m > slowAbove*usual {
			why = append(why, fmt.Sprintf("slow: %s in %s, usually %s", formatDuration(m), humanize(state), formatDuration(usual)))
		}
	}
	return why
}

func usually(part, whole int64) string {
	if part == 0 {
		return "none"
	}
	return percent(part, whole)
}

// timedStates are the states that a verification spends time in: applied is left in the
// commit that enters it.
var timedStates = []carrierfsm.State{carrierfsm.Created, carrierfsm.AwaitingPassword, carrierfsm.AwaitingCaptcha}
