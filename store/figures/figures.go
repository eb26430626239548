// Package figures counts transitions, for the figures of operators: how many there
// were of each event at each website in each minute, hour and day, and how long
// verifications were in each state.
//
// Counters is a projection of the outbox: the counts are written in the same commit as
// its cursor, so each transition is counted exactly once, whatever crashes. Reading
// them costs the same however many verifications a store holds. Minutes are kept for
// three days, hours for 40, days for 400.
package figures

import (
	"context"
	"fmt"
	"time"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/outbox"
)

// The periods that rows count.
const (
	Minute = time.Minute
	Hour   = time.Hour
	Day    = 24 * time.Hour
)

// kept is for how long the rows of each period are kept.
var kept = map[time.Duration]time.Duration{Minute: 3 * Day, Hour: 40 * Day, Day: 400 * Day}

// Store is a further power of an outbox.Store. All stores of this module have it. The
// rules of carrierfsm.Store and outbox.Outbox apply here too.
type Store interface {
	// Count does what Advance does for all entries of the batch, without parked rows,
	// and in the same commit changes the rows that are kept under the name of the
	// lease. It returns outbox.ErrLeaseLost, and changes nothing, after another owner
	// acquired the lease, and where the cursor is not the one that the batch was read
	// under: so a call that is repeated because its result was lost counts nothing
	// twice.
	//
	// A cursor that Acquire creates, and one that is retired, has no rows.
	Count(ctx context.Context, l outbox.Lease, b outbox.Batch, c Change) error

	// Counts returns the rows of a handler and a period whose Start is from or later
	// and before until, in the order of Start, ties by ascending Source. Its cost does
	// not grow with other rows.
	Counts(ctx context.Context, handler string, period time.Duration, from, until time.Time) ([]Row, error)
}

// Change is what Count changes.
type Change struct {
	// Add has the counts to add, each Period, Start and Source once.
	Add []Row
	// Forget says for a period which rows to delete: those that start before the time,
	// the earliest first, at most a thousand.
	Forget map[time.Duration]time.Time
}

// ForgetLimit is how many rows of a period Count deletes at once.
const ForgetLimit = 1000

// Row has the counts of one website in one minute, hour or day.
type Row struct {
	// Period is Minute, Hour or Day.
	Period time.Duration
	// Start is when it begins: a whole Period, in UTC.
	Start time.Time
	// Source is the website; empty for transitions that are about none.
	Source string
	// Counts are the counts.
	Counts Counts
}

// StartOf returns when the period begins in which t is.
func StartOf(t time.Time, period time.Duration) time.Time { return t.UTC().Truncate(period) }

// CheckChange returns an error that matches carrierfsm.ErrInvalid unless a store can keep the
// change: it is for stores.
func CheckChange(c Change) error {
	for i := range c.Add {
		r := &c.Add[i]
		if _, known := kept[r.Period]; !known || r.Start.Before(time.Unix(0, 0)) || !r.Start.Equal(StartOf(r.Start, r.Period)) {
			return fmt.Errorf("%w: figures: a row has another period or begins elsewhere", carrierfsm.ErrInvalid)
		}
		if len(r.Source) > maxWebsite {
			return fmt.Errorf("%w: figures: a row has a long source", carrierfsm.ErrInvalid)
		}
	}
	return nil
}
