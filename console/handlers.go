package console

import (
	"context"
	"net/http"
	"slices"
	"strings"

	"github.com/carrierfsm/carrierfsm/outbox"
)

// How many parked rows are shown of each handler, and on the page of one handler.
const (
	parkedPerHandler = 10
	parkedPerPage    = pageSize
)

// handlersPage is the data of the page Handlers.
type handlersPage struct {
	Handlers []handlerSection
	Only     string // the one handler that is shown; empty for all
	Errors   string // the key of the errors that are shown; empty for all
	First    bool   // it is the first page
	Error    string // why there is nothing to show
}

// handlerSection is one handler with a page of its parked verifications.
type handlerSection struct {
	handlerCursor
	Rows      []parkedRow
	Groups    []errorGroup // of one handler
	Ungrouped bool         // there are more rows than were grouped
	NextPage  string       // the key of the next page; empty on the last
}

func (c *Console) handlers(q *request) error {
	ctx, cancel := context.WithTimeout(q.Context(), timeout)
	defer cancel()
	v := q.URL.Query()
	page := handlersPage{Only: v.Get("name"), Errors: v.Get("error"), First: v.Get("after") == ""}
	if page.Errors != "" && page.Only == "" {
		return badParam("error")
	}
	after, err := parseParkedKey(v.Get("after"), page.Only)
	if err != nil {
		return err
	}
	cursors, err := c.cursors(ctx)
	if err != nil {
		page.Error = c.partFailed(q, err)
	}
	if page.Only != "" {
		cursors = slices.DeleteFunc(cursors, func(h handlerCursor) bool { return h.Name != page.Only })
		if len(cursors) == 0 {
			return errNoPage
		}
	}
	limit := parkedPerHandler
	if page.Only != "" {
		limit = parkedPerPage
	}
	for _, cursor := range cursors {
		h, err := c.parkedOf(ctx, cursor, after, limit)
		if page.Only != "" && (err == nil || partial(err) != nil) {
			err = h.group(ctx, c, page.Errors)
		}
		if err != nil && partial(err) == nil {
			return err
		}
		page.Handlers = append(page.Handlers, h)
	}
	c.render(q, http.StatusOK, "handlers", "Handlers", page)
	return nil
}

func (c *Console) parkedOf(ctx context.Context, cursor handlerCursor, after outbox.ParkedKey, limit int) (handlerSection, error) {
	h := handlerSection{handlerCursor: cursor}
	rows, err := c.cfg.Dispatcher.Parked(ctx, outbox.ParkedQuery{Handler: cursor.Name, After: after, Limit: limit + 1})
	if err != nil && partial(err) == nil {
		return h, err
	}
	if len(rows) > limit {
		rows = rows[:limit]
		last := rows[limit-1]
		h.NextPage = formatPageKey(last.Next, last.ID)
	}
	h.Rows = c.parkedRows(rows)
	return h, err
}

// group groups the parked rows by their errors. With the key of one, its rows are shown.
func (h *handlerSection) group(ctx context.Context, c *Console, key string) error {
	rows, more, err := c.allParked(ctx, h.Name)
	if err != nil && partial(err) == nil {
		return err
	}
	h.Groups, h.Ungrouped = groupsOf(rows), more
	if key != "" {
		h.Rows = slices.DeleteFunc(rows, func(r parkedRow) bool { return r.key() != key })
		h.Rows, h.NextPage = h.Rows[:min(len(h.Rows), parkedPerPage)], ""
	}
	return err
}

// cursors returns the cursors of all handlers, or errNoHandlers.
func (c *Console) cursors(ctx context.Context) ([]handlerCursor, error) {
	if c.cfg.Dispatcher == nil {
		return nil, errNoHandlers
	}
	list, err := c.cfg.Dispatcher.Cursors(ctx)
	return byHandler(list), err
}

// parseParkedKey decodes the key of a page of one handler.
func parseParkedKey(text, handler string) (m outbox.ParkedKey, err error) {
	if text == "" {
		return m, nil
	}
	at, id, err := parseTimeAndID(text)
	if handler == "" {
		err = errBadRequest
	}
	return outbox.ParkedKey{Next: at, Handler: handler, ID: id}, err
}

// parkedReasons are the texts of Parked.Why.
var parkedReasons = map[string]string{
	"": "to be called again", "error": "it returned an error", "panic": "it panicked",
	"timeout": "it took too long", "slow": "a call is still under way", "unreadable": "the transition can't be opened",
}

// parkedReason describes why a verification is parked.
func parkedReason(p parkedRow) string {
	if name, byOperator := strings.CutPrefix(p.Why, "by "); byOperator {
		return "asked for by " + name
	}
	if text, known := parkedReasons[p.Why]; known {
		return text
	}
	return p.Why
}
