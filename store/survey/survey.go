// Package survey reads many verifications with their histories, by the time of their
// creation: for reports on damage (package audit), and for a host's own figures that
// package figures does not count.
package survey

import (
	"context"
	"time"

	"github.com/carrierfsm/carrierfsm"
)

// Surveyor is a further power of a carrierfsm.Store. All stores of this module
// have it.
type Surveyor interface {
	// Survey returns the verifications that were created at or after from and
	// before until, in the order of their creation, ties by ascending id, at most
	// limit of them. In a store on disk its cost grows with what it returns, not
	// with what the store holds. The rules of carrierfsm.Store apply here too.
	Survey(ctx context.Context, from, until time.Time, limit int) ([]Timeline, error)
}

// Timeline is one verification and its history, without anything that may be
// sealed.
type Timeline struct {
	// Record has no Body.
	Record carrierfsm.Record
	// Entries are its history in the order of their steps, without Details.
	Entries []carrierfsm.Entry
}
