package console

import (
	"context"
	"net/http"
	"time"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/store/acts"
)

// overdueAfter is how long past its due time a verification is shown as
// overdue. Run polls at intervals, and may need several to settle a backlog.
const overdueAfter = time.Minute

// unknownOutcomes matches the live verifications whose latest answer had an
// unknown outcome, or a reply that no rule recognises.
var unknownOutcomes = filter{states: activeStates, reasons: []carrierfsm.Event{carrierfsm.OutcomeUnknown, carrierfsm.ReplyUnrecognized}}

// attentionPage is the data of the page Attention.
type attentionPage struct {
	Overdue      []overdueRow
	OverdueError string
	NextOverdue  carrierfsm.PageKey // zero on the last page
	Unknown      searchResult
	UnknownError string
}

// overdueRow is a verification that no replica has settled.
type overdueRow struct {
	carrierfsm.Summary
	Why string // why it can't be opened; empty if it can
}

func (c *Console) attention(q *request) error {
	ctx, cancel := context.WithTimeout(q.Context(), timeout)
	defer cancel()
	v := q.URL.Query()
	due, id, err := parseTimeAndID(v.Get("due"))
	if err != nil {
		return err
	}
	after, err := parsePageKey(v.Get("after"))
	if err != nil {
		return err
	}
	var n attentionPage
	if n.Overdue, n.NextOverdue, err = c.overdue(ctx, carrierfsm.PageKey{Time: due, ID: id}); err != nil {
		n.OverdueError = c.partFailed(q, err)
	}
	if n.Unknown, err = c.search(ctx, unknownOutcomes, after, pageSize); err != nil {
		n.UnknownError = c.partFailed(q, err)
	} else if n.Unknown.Failed != nil {
		n.UnknownError = c.partFailed(q, n.Unknown.Failed)
	}
	if err := c.looked(ctx, q, acts.Act{Kind: acts.List, Count: len(n.Overdue) + len(n.Unknown.Rows)}); err != nil {
		return err
	}
	c.render(q, http.StatusOK, "attention", "Attention", n)
	return nil
}

// overdue returns a page of overdue verifications and the key of the next.
func (c *Console) overdue(ctx context.Context, after carrierfsm.PageKey) (list []overdueRow, next carrierfsm.PageKey, err error) {
	rows, err := c.cfg.Machine.Overdue(ctx, overdueAfter, after, pageSize+1)
	if err != nil && partial(err) == nil {
		return nil, next, err
	}
	for i, o := range rows {
		if i == pageSize {
			next = carrierfsm.PageKey{Time: rows[i-1].Due, ID: rows[i-1].ID}
			break
		}
		list = append(list, overdueRow{Summary: o, Why: unreadable(o.Err)})
	}
	return list, next, err
}

// partFailed logs why a part of a page failed, and returns the text to show there.
func (c *Console) partFailed(q *request, err error) string {
	c.cfg.Logger.WarnContext(q.Context(), "console: a part of a page failed", "page", q.page, "err", err)
	return errorPageFor(err).Text
}
