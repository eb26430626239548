// Package legal has the bounds of what carrierfsm.Store and outbox.Outbox write
// and are asked for, so that all stores of this module take and refuse the same.
package legal

import (
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/budget"
	"github.com/carrierfsm/carrierfsm/internal/text"
	"github.com/carrierfsm/carrierfsm/outbox"
	"github.com/carrierfsm/carrierfsm/store/acts"
)

const (
	// maxName bounds ids, keys, words and names, in bytes.
	maxName = 128
	// maxFailure bounds Parked.Failure, in bytes.
	maxFailure = 8192
)

// The earliest and the latest time that a record has.
var (
	earliest = time.UnixMicro(1).UTC()
	latest   = time.Date(9999, 12, 31, 23, 59, 59, 999999000, time.UTC)
)

// ID reports whether a record can have this id, or this key, or a handler this
// name.
func ID(s string) bool { return len(s) <= maxName && text.PlainName(s) }

// Word reports whether a column of a record can have this word: at most 128 bytes
// of UTF-8 without control characters.
func Word(s string) bool { return len(s) <= maxName && text.Printable(s) }

// Write returns an error that matches carrierfsm.ErrInvalid unless the record and
// the entries are within the bounds that carrierfsm.Record states.
func Write(r *carrierfsm.Record, entries []carrierfsm.Entry) error {
	switch {
	case !ID(r.ID):
		return refuse("id")
	case r.Key != "" && r.Version == 1 && !ID(r.Key): // records of earlier builds may have other keys
		return refuse("key")
	case !Word(string(r.State)), !Word(r.Source), !Word(string(r.Reason)):
		return refuse("word")
	case !number(r.Step), !number(r.Table):
		return refuse("number")
	case !moment(r.Due), !moment(r.Created), !moment(r.Updated):
		return refuse("time")
	}
	if err := budget.Check(r.Spends); err != nil {
		return fmt.Errorf("%w: %w", carrierfsm.ErrInvalid, err)
	}
	for i := range entries {
		e := &entries[i]
		switch {
		case e.ID != r.ID:
			return refuse("id of an entry")
		case !Word(string(e.From)), !Word(string(e.Event)), !Word(string(e.To)), !Word(e.Source):
			return refuse("word of an entry")
		case e.Dwell < 0 || e.Dwell%time.Microsecond != 0:
			return refuse("dwell of an entry")
		case !number(e.Step):
			return refuse("step of an entry")
		case !moment(e.At):
			return refuse("time of an entry")
		}
	}
	return nil
}

// Parked is Write for parked rows.
func Parked(rows []outbox.Parked) error {
	for i := range rows {
		p := &rows[i]
		switch {
		case !ID(p.Handler), !ID(p.ID), !Word(p.Why):
			return refuse("name of a parked row")
		case !number(p.Step), !number(p.Upto), !number(p.Attempts):
			return refuse("number of a parked row")
		case !moment(p.Since), !moment(p.Next):
			return refuse("time of a parked row")
		case len(p.Failure) > maxFailure:
			return refuse("failure of a parked row")
		}
	}
	return nil
}

// Lease is Write for the name of a cursor and the owner of its lease.
func Lease(name, owner string) error {
	if !ID(name) || !ID(owner) {
		return refuse("name or owner of a lease")
	}
	return nil
}

// Act is Write for an act. Its times are the store's.
func Act(a *acts.Act) error {
	switch {
	case !ID(a.ID), !ID(a.Operator), a.Verification != "" && !ID(a.Verification), a.Handler != "" && !ID(a.Handler):
		return refuse("name of an act")
	case !Word(string(a.Kind)), !Word(string(a.Outcome)):
		return refuse("word of an act")
	case !number(a.Step), !number(a.Count):
		return refuse("number of an act")
	case len(a.Reason) > acts.MaxReason, !text.Printable(a.Reason):
		return refuse("reason of an act")
	}
	return nil
}

// Outcome is Act for what ends an act.
func Outcome(o acts.Outcome, count int) error {
	if o == "" || !Word(string(o)) || !number(count) {
		return refuse("outcome of an act")
	}
	return nil
}

func refuse(what string) error {
	return fmt.Errorf("%w: the %s is out of the bounds of a store", carrierfsm.ErrInvalid, what)
}

func number(n int) bool { return n >= 0 && int64(n) <= math.MaxInt32 }

func moment(t time.Time) bool {
	return t.IsZero() || !t.Before(earliest) && !t.After(latest)
}

// Step returns the number that selects the same entries as a step to begin after.
func Step(after int) int { return int(min(max(int64(after), 0), math.MaxInt32)) }

// Floor returns the latest whole microsecond that is not after t, for a bound
// after which, or up to which, times are selected. A time before or after all that
// a record can have is brought near to those.
func Floor(t time.Time) time.Time {
	switch {
	case t.Before(earliest):
		return time.UnixMicro(0).UTC()
	case t.After(latest):
		return latest
	}
	return t.Truncate(time.Microsecond).UTC()
}

// Ceil returns the earliest whole microsecond that is not before t, for a bound
// before which, or from which on, times are selected. It treats the extremes as
// Floor does.
func Ceil(t time.Time) time.Time {
	switch {
	case t.Before(earliest):
		return earliest
	case t.After(latest):
		return latest.Add(time.Microsecond)
	}
	if floor := t.Truncate(time.Microsecond); floor.Before(t) {
		return floor.Add(time.Microsecond).UTC()
	}
	return t.UTC()
}

// KeyID returns text without NUL and broken UTF-8 that compares with each legal id
// as s does. Page keys come from hosts, who may pass any bytes.
func KeyID(s string) string {
	for i := range len(s) {
		switch {
		case s[i] <= ' ':
			return strings.Clone(s[:i]) + "\x01"
		case s[i] > '~':
			return strings.Clone(s[:i]) + "\x7f"
		}
	}
	return s
}
