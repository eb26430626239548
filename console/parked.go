package console

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"time"

	"github.com/carrierfsm/carrierfsm/outbox"
)

// maxGrouped is how many parked rows of a handler are looked at to group them by error.
const maxGrouped = 1000

// parkedRow is a parked verification with what its handler failed with.
type parkedRow struct {
	outbox.Parked
	outbox.Failure
	Unreadable string // why the failure can't be opened; empty if it can
}

func (c *Console) parkedRow(p outbox.Parked) parkedRow {
	r := parkedRow{Parked: p}
	var err error
	if r.Failure, err = c.cfg.Dispatcher.Failure(p); err != nil {
		r.Unreadable = cmp.Or(unreadable(err), errorPageFor(err).Text)
	}
	return r
}

func (c *Console) parkedRows(list []outbox.Parked) []parkedRow {
	rows := make([]parkedRow, len(list))
	for i, p := range list {
		rows[i] = c.parkedRow(p)
	}
	return rows
}

// key names the error of a row: rows with one key failed at the same event, in the same
// way and with the same error.
func (r parkedRow) key() string {
	sum := sha256.New()
	for _, part := range []string{r.Why, string(r.Event), r.Error, r.Unreadable} {
		_, _ = sum.Write(append([]byte(part), 0)) // never fails
	}
	return hex.EncodeToString(sum.Sum(nil))[:12]
}

// errorGroup are the parked rows with one error.
type errorGroup struct {
	parkedRow // the first of them
	Key       string
	Count     int
	Oldest    time.Time
}

// Row is the first of the rows.
func (g errorGroup) Row() parkedRow { return g.parkedRow }

// groupsOf groups rows by their errors, the most frequent first.
func groupsOf(rows []parkedRow) (list []errorGroup) {
	index := make(map[string]int)
	for _, r := range rows {
		key := r.key()
		i, known := index[key]
		if !known {
			i = len(list)
			index[key] = i
			list = append(list, errorGroup{parkedRow: r, Key: key, Oldest: r.Since})
		}
		list[i].Count++
		if r.Since.Before(list[i].Oldest) {
			list[i].Oldest = r.Since
		}
	}
	slices.SortStableFunc(list, func(a, b errorGroup) int { return b.Count - a.Count })
	return list
}

// parkedSelection selects parked rows of one handler: those of some verifications, those
// with one error, or all.
type parkedSelection struct {
	Handler, Error string
	IDs            []string
}

// allParked reads the parked rows of a handler, at most maxGrouped. more reports whether there
// are further ones.
func (c *Console) allParked(ctx context.Context, handler string) (rows []parkedRow, more bool, err error) {
	q := outbox.ParkedQuery{Handler: handler, Limit: maxGrouped + 1}
	list, err := c.cfg.Dispatcher.Parked(ctx, q)
	if len(list) > maxGrouped {
		list, more = list[:maxGrouped], true
	}
	return c.parkedRows(list), more, err
}

// selected reads the parked rows that a selection matches.
func (c *Console) selected(ctx context.Context, s parkedSelection) (rows []parkedRow, more bool, err error) {
	if c.cfg.Dispatcher == nil {
		return nil, false, errNoHandlers
	}
	if len(s.IDs) == 0 {
		rows, more, err = c.allParked(ctx, s.Handler)
		return slices.DeleteFunc(rows, func(r parkedRow) bool { return s.Error != "" && r.key() != s.Error }), more, err
	}
	if len(s.IDs) > pageSize {
		return nil, false, badParam("row")
	}
	for _, id := range s.IDs {
		list, err := c.cfg.Dispatcher.Parked(ctx, outbox.ParkedQuery{Handler: s.Handler, ID: id})
		if err != nil {
			return nil, false, err
		}
		rows = append(rows, c.parkedRows(list)...) // of one that is no longer parked there is none
	}
	return rows, false, nil
}

// knowsHandler returns errNoPage unless a handler of this name has run. One shard that
// knows it is enough.
func (c *Console) knowsHandler(ctx context.Context, name string) error {
	cursors, err := c.cursors(ctx)
	switch {
	case slices.ContainsFunc(cursors, func(h handlerCursor) bool { return h.Name == name }):
		return nil
	case err == nil:
		err = errNoPage
	}
	return err
}
