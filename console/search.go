package console

import (
	"cmp"
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/carrierfsm/carrierfsm"
)

// A filter that matches little would make the store scan every record. So one
// request scans at most maxScanned records, in reads that begin with firstRead
// and double up to maxRead, and the page links to where the scan stopped.
const (
	pageSize   = 50
	firstRead  = 100
	maxRead    = 1600
	maxScanned = 5000
)

// filter selects verifications. The zero value matches all.
type filter struct {
	states        []carrierfsm.State
	reasons       []carrierfsm.Event
	source        string // the website, or a part of its name
	find          string // the beginning of the id, or the reference
	inFlight      bool
	after, before time.Time // of creation, exclusive
}

// matchesAll reports whether every verification that was created within the bounds
// matches.
func (f filter) matchesAll() bool {
	return len(f.states) == 0 && len(f.reasons) == 0 && f.source == "" && f.find == "" && !f.inFlight
}

func (f filter) matches(s carrierfsm.Summary) bool {
	return (len(f.states) == 0 || slices.Contains(f.states, s.State)) &&
		(len(f.reasons) == 0 || slices.Contains(f.reasons, s.Reason)) &&
		(f.source == "" || f.source == s.Source || strings.Contains(s.SourceName, f.source)) &&
		(f.find == "" || f.find == s.Reference || strings.HasPrefix(s.ID, f.find)) &&
		(!f.inFlight || s.InFlight)
}

// searchResult is one page of a search.
type searchResult struct {
	Rows    []carrierfsm.Summary
	Size    int // the most rows
	Scanned int
	Next    carrierfsm.PageKey      // zero on the last page
	Failed  *carrierfsm.ShardsError // of a read, or of several the latest
}

// Stopped reports whether the search reached maxScanned before the page was full.
func (f searchResult) Stopped() bool {
	return len(f.Rows) < f.Size && f.Next != (carrierfsm.PageKey{})
}

// search returns a page of matching verifications of this size, newest first, after a key.
func (c *Console) search(ctx context.Context, f filter, after carrierfsm.PageKey, size int) (page searchResult, err error) {
	page.Size = size
	q := carrierfsm.Query{CreatedAfter: f.after, CreatedBefore: f.before, After: after, Limit: firstRead, Bodies: true}
	if f.matchesAll() {
		q.Limit = size + 1
	}
	for page.Scanned < maxScanned {
		list, err := c.cfg.Machine.List(ctx, q)
		failed := partial(err)
		if err != nil && failed == nil {
			return page, err
		}
		page.Failed = cmp.Or(failed, page.Failed)
		for _, s := range list {
			if len(page.Rows) == size {
				page.Next = q.After
				return page, nil
			}
			q.After = carrierfsm.PageKey{Time: s.Created, ID: s.ID}
			page.Scanned++
			if f.matches(s) {
				page.Rows = append(page.Rows, s)
			}
		}
		if len(list) < q.Limit {
			return page, nil
		}
		q.Limit = min(2*q.Limit, maxRead, max(1, maxScanned-page.Scanned))
	}
	page.Next = q.After
	return page, nil
}

// formatPageKey encodes the key of a page for a link: microseconds, a dot, the id.
func formatPageKey(at time.Time, id string) string {
	return strconv.FormatInt(at.UnixMicro(), 10) + "." + id
}

// parsePageKey decodes the key of a page; an empty text is the first page.
func parsePageKey(text string) (m carrierfsm.PageKey, err error) {
	at, id, err := parseTimeAndID(text)
	return carrierfsm.PageKey{Time: at, ID: id}, err
}

// parseTimeAndID decodes what formatPageKey encodes. An empty text returns zero values.
func parseTimeAndID(text string) (at time.Time, rest string, err error) {
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
