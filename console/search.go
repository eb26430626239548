package console

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/carrierfsm/carrierfsm"
)

// What one request looks at, at most. A filter that matches little would have
// the store look at everything; instead the console looks at so many, in reads
// that begin small and double, and tells from where to go on.
const (
	rowsAPage  = 50
	firstRead  = 100
	largeRead  = 1600
	mostLooked = 5000
)

// filter is which verifications are wanted. The zero value wants all.
type filter struct {
	states   []carrierfsm.State
	reasons  []carrierfsm.Event
	source   string
	inFlight bool
	before   time.Time // of creation, exclusive
}

// all tells whether every verification is wanted, whatever its age.
func (f filter) all() bool {
	return len(f.states) == 0 && len(f.reasons) == 0 && f.source == "" && !f.inFlight
}

func (f filter) wants(s carrierfsm.Summary) bool {
	return (len(f.states) == 0 || slices.Contains(f.states, s.State)) &&
		(len(f.reasons) == 0 || slices.Contains(f.reasons, s.Reason)) &&
		(f.source == "" || f.source == s.Source) &&
		(!f.inFlight || s.InFlight)
}

// found is one page of a search.
type found struct {
	Rows []carrierfsm.Summary
	// Looked is how many were looked at, and Next where to go on; zero at the end.
	Looked int
	Next   carrierfsm.ListMark
}

// Unfilled tells that the search stopped before the page was full.
func (f found) Unfilled() bool { return len(f.Rows) < rowsAPage && f.Next != (carrierfsm.ListMark{}) }

// search looks for a page of verifications, newest first, behind a mark.
func (c *Console) search(ctx context.Context, f filter, after carrierfsm.ListMark) (page found, err error) {
	q := carrierfsm.Query{CreatedBefore: f.before, After: after, Limit: firstRead}
	if f.all() {
		q.Limit = rowsAPage + 1
	}
	for page.Looked < mostLooked {
		list, err := c.cfg.Machine.List(ctx, q)
		if err != nil {
			return page, err
		}
		for _, s := range list {
			if len(page.Rows) == rowsAPage {
				page.Next = q.After
				return page, nil
			}
			q.After = carrierfsm.ListMark{Created: s.Created, ID: s.ID}
			page.Looked++
			if f.wants(s) {
				page.Rows = append(page.Rows, s)
			}
		}
		if len(list) < q.Limit {
			return page, nil
		}
		q.Limit = min(2*q.Limit, largeRead, max(1, mostLooked-page.Looked))
	}
	page.Next = q.After
	return page, nil
}

// mark is a place in a list as links carry it: microseconds, a dot, the id.
func mark(at time.Time, id string) string {
	return strconv.FormatInt(at.UnixMicro(), 10) + "." + id
}

// markOf reads a mark; empty is the beginning.
func markOf(text string) (m carrierfsm.ListMark, err error) {
	at, id, err := placeOf(text)
	return carrierfsm.ListMark{Created: at, ID: id}, err
}

// placeOf reads a time and what follows it.
func placeOf(text string) (at time.Time, rest string, err error) {
	if text == "" {
		return at, "", nil
	}
	micros, rest, _ := strings.Cut(text, ".")
	n, err := strconv.ParseInt(micros, 10, 64)
	if err != nil || rest == "" || len(rest) > 300 {
		return at, "", errBadRequest
	}
	return time.UnixMicro(n).UTC(), rest, nil
}
