package console

import (
	"context"
	"net/http"
	"slices"
	"strings"

	"github.com/carrierfsm/carrierfsm"
)

// Of each handler so many parked rows are shown beside each other, and so many
// where only one handler is looked at.
const (
	parkedEach = 10
	parkedAll  = rowsAPage
)

// handling is the page of the handlers.
type handling struct {
	Handlers []handled
	One      string // the handler that alone is shown; empty for all
	First    bool   // of its pages
	Words    string // why there is nothing to show
}

// handled is one handler with rows that it has to catch up with.
type handled struct {
	carrierfsm.Cursor
	Rows []carrierfsm.Parked
	Next string // the mark of the next page; empty at the end
}

func (c *Console) handlers(q *request) error {
	ctx, cancel := context.WithTimeout(q.Context(), patience)
	defer cancel()
	v := q.URL.Query()
	page := handling{One: v.Get("name"), First: v.Get("after") == ""}
	after, err := parkedMarkOf(v.Get("after"), page.One)
	if err != nil {
		return err
	}
	cursors, err := c.cfg.Machine.Cursors(ctx)
	if err != nil {
		page.Words = c.told(q, err)
	}
	if page.One != "" {
		cursors = slices.DeleteFunc(cursors, func(h carrierfsm.Cursor) bool { return h.Name != page.One })
		if len(cursors) == 0 {
			return errNoPage
		}
	}
	limit := parkedEach
	if page.One != "" {
		limit = parkedAll
	}
	for _, cursor := range cursors {
		h, err := c.parkedOf(ctx, cursor, after, limit)
		if err != nil {
			return err
		}
		page.Handlers = append(page.Handlers, h)
	}
	c.show(q, http.StatusOK, "handlers", "Handlers", page)
	return nil
}

func (c *Console) parkedOf(ctx context.Context, cursor carrierfsm.Cursor, after carrierfsm.ParkedMark, limit int) (handled, error) {
	h := handled{Cursor: cursor}
	rows, err := c.cfg.Machine.Parked(ctx, carrierfsm.ParkedQuery{Handler: cursor.Name, After: after, Limit: limit + 1})
	if err != nil {
		return h, err
	}
	if len(rows) > limit {
		rows = rows[:limit]
		last := rows[limit-1]
		h.Next = mark(last.Next, last.ID)
	}
	h.Rows = rows
	return h, nil
}

// parkedMarkOf reads the mark of a page of one handler.
func parkedMarkOf(text, handler string) (m carrierfsm.ParkedMark, err error) {
	if text == "" {
		return m, nil
	}
	at, id, err := placeOf(text)
	if handler == "" {
		err = errBadRequest
	}
	return carrierfsm.ParkedMark{Next: at, Handler: handler, ID: id}, err
}

// whys are the reasons for which a verification is parked.
var whys = map[string]string{
	"": "to be called again", "error": "it returned an error", "panic": "it panicked",
	"timeout": "it took too long", "unreadable": "the transition can't be opened",
}

// why says why a verification is parked.
func why(p carrierfsm.Parked) string {
	if name, byOperator := strings.CutPrefix(p.Why, "by "); byOperator {
		return "asked for by " + name
	}
	if text, known := whys[p.Why]; known {
		return text
	}
	return p.Why
}
