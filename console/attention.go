package console

import (
	"context"
	"net/http"
	"time"

	"github.com/carrierfsm/carrierfsm"
)

// stuckAfter is how long something may be overdue before it counts as stuck:
// Run comes by each PollInterval, and takes its time when there is much.
const stuckAfter = time.Minute

// unknowns is who was asked again because nobody knows what upstream made of
// the latest answer.
var unknowns = filter{states: living, reasons: []carrierfsm.Event{carrierfsm.OutcomeUnknown, carrierfsm.ReplyUnrecognized}}

// needy is the page of what needs attention.
type needy struct {
	Stuck          []stuck
	StuckTrouble   string
	NextStuck      carrierfsm.DueMark // zero at the end
	Unknown        found
	UnknownTrouble string
}

// stuck is a verification that nobody has settled.
type stuck struct {
	carrierfsm.Summary
	Why string // it can't be opened; empty where it can
}

func (c *Console) attention(q *request) error {
	ctx, cancel := context.WithTimeout(q.Context(), patience)
	defer cancel()
	v := q.URL.Query()
	due, id, err := placeOf(v.Get("due"))
	if err != nil {
		return err
	}
	after, err := markOf(v.Get("after"))
	if err != nil {
		return err
	}
	var n needy
	if n.Stuck, n.NextStuck, err = c.stuck(ctx, carrierfsm.DueMark{Due: due, ID: id}); err != nil {
		n.StuckTrouble = c.told(q, err)
	}
	if n.Unknown, err = c.search(ctx, unknowns, after); err != nil {
		n.UnknownTrouble = c.told(q, err)
	}
	c.show(q, http.StatusOK, "attention", "Attention", n)
	return nil
}

// stuck is a page of what has been due for too long.
func (c *Console) stuck(ctx context.Context, after carrierfsm.DueMark) (list []stuck, next carrierfsm.DueMark, err error) {
	rows, err := c.cfg.Machine.Overdue(ctx, stuckAfter, after, rowsAPage+1)
	if err != nil {
		return nil, next, err
	}
	for i, o := range rows {
		if i == rowsAPage {
			next = carrierfsm.DueMark{Due: rows[i-1].Due, ID: rows[i-1].ID}
			break
		}
		list = append(list, stuck{Summary: o.Summary, Why: unopened(o.Err)})
	}
	return list, next, nil
}

// told is what a part of a page says that could not be made.
func (c *Console) told(q *request, err error) string {
	c.cfg.Logger.WarnContext(q.Context(), "console: a part of a page failed", "page", q.page, "err", err)
	return troubleOf(err).Text
}
