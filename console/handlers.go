package console

import (
	"context"
	"net/http"
	"slices"
	"strings"

	"github.com/carrierfsm/carrierfsm"
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
	First    bool   // it is the first page
	Error    string // why there is nothing to show
}

// handlerSection is one handler with a page of its parked verifications.
type handlerSection struct {
	carrierfsm.Cursor
	Rows     []carrierfsm.Parked
	NextPage string // the key of the next page; empty on the last
}

func (c *Console) handlers(q *request) error {
	ctx, cancel := context.WithTimeout(q.Context(), timeout)
	defer cancel()
	v := q.URL.Query()
	page := handlersPage{Only: v.Get("name"), First: v.Get("after") == ""}
	after, err := parseParkedKey(v.Get("after"), page.Only)
	if err != nil {
		return err
	}
	cursors, err := c.cfg.Machine.Cursors(ctx)
	if err != nil {
		page.Error = c.partFailed(q, err)
	}
	if page.Only != "" {
		cursors = slices.DeleteFunc(cursors, func(h carrierfsm.Cursor) bool { return h.Name != page.Only })
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
		if err != nil {
			return err
		}
		page.Handlers = append(page.Handlers, h)
	}
	c.render(q, http.StatusOK, "handlers", "Handlers", page)
	return nil
}

func (c *Console) parkedOf(ctx context.Context, cursor carrierfsm.Cursor, after carrierfsm.ParkedMark, limit int) (handlerSection, error) {
	h := handlerSection{Cursor: cursor}
	rows, err := c.cfg.Machine.Parked(ctx, carrierfsm.ParkedQuery{Handler: cursor.Name, After: after, Limit: limit + 1})
	if err != nil {
		return h, err
	}
	if len(rows) > limit {
		rows = rows[:limit]
		last := rows[limit-1]
		h.NextPage = formatPageKey(last.Next, last.ID)
	}
	h.Rows = rows
	return h, nil
}

// parseParkedKey decodes the key of a page of one handler.
func parseParkedKey(text, handler string) (m carrierfsm.ParkedMark, err error) {
	if text == "" {
		return m, nil
	}
	at, id, err := parseTimeAndID(text)
	if handler == "" {
		err = errBadRequest
	}
	return carrierfsm.ParkedMark{Next: at, Handler: handler, ID: id}, err
}

// parkedReasons are the texts of Parked.Why.
var parkedReasons = map[string]string{
	"": "to be called again", "error": "it returned an error", "panic": "it panicked",
	"timeout": "it took too long", "unreadable": "the transition can't be opened",
}

// parkedReason describes why a verification is parked.
func parkedReason(p carrierfsm.Parked) string {
	if name, byOperator := strings.CutPrefix(p.Why, "by "); byOperator {
		return "asked for by " + name
	}
	if text, known := parkedReasons[p.Why]; known {
		return text
	}
	return p.Why
}
