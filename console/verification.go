package console

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"time"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/outbox"
	"github.com/carrierfsm/carrierfsm/store/acts"
)

// verificationPage is the data of the page of one verification.
type verificationPage struct {
	carrierfsm.Verification
	Unreadable   string // why only its columns are known; empty if it can be opened
	Timeline     []timelineRow
	HistoryError string // why some details of the timeline are missing
	Diagram      diagram
	Parked       []parkedRow
	Handlers     []string
	Acts         []acts.Act // the latest ones that changed something
	ActsError    string     // why there are none, or some are missing
}

// timelineRow is one transition.
type timelineRow struct {
	carrierfsm.Transition
	After time.Duration // since the previous row, or the creation
	Stays bool          // it is a self-transition
}

// CanCancel reports whether it can be canceled.
func (s verificationPage) CanCancel() bool {
	return s.Unreadable == "" && !s.State.Terminal() && !s.Canceling
}

// CanExpire reports whether it can be expired.
func (s verificationPage) CanExpire() bool {
	return s.Unreadable == "" && !s.State.Terminal() && !s.InFlight
}

// CanErase reports whether there is anything to erase.
func (s verificationPage) CanErase() bool {
	return (s.Reason != carrierfsm.Erased || s.Unreadable != "") && slices.Contains(carrierfsm.States(), s.State)
}

// End is the transition that ended it; nil if it has not ended, or that is not known.
func (s verificationPage) End() *timelineRow {
	for i := range s.Timeline {
		if s.Timeline[i].To.Terminal() {
			return &s.Timeline[i]
		}
	}
	return nil
}

func (c *Console) verification(q *request) error {
	ctx, cancel := context.WithTimeout(q.Context(), timeout)
	defer cancel()
	s, err := c.read(ctx, q.URL.Query().Get("id"))
	if err != nil {
		return err
	}
	if !c.lookers.isLooking(q) {
		c.cfg.Logger.InfoContext(ctx, "console: an operator looked", "operator", q.operator.Name, "id", s.ID)
	}
	if err := c.looked(ctx, q, acts.Act{Kind: acts.Show, Verification: s.ID, Count: 1}); err != nil {
		return err
	}
	history, err := c.cfg.Machine.History(ctx, s.ID)
	if s.HistoryError = unreadable(err); err != nil && s.HistoryError == "" {
		return err
	}
	s.Timeline = timelineOf(s.Created, history)
	s.Diagram = diagramOf(s.State, history)
	s.Parked, s.Handlers = c.handlersOf(ctx, q, s.ID)
	s.Acts, s.ActsError = c.actsOf(ctx, q, s.ID)
	c.render(q, http.StatusOK, "verification", "Verification", s)
	return nil
}

// read returns one verification; of one that can't be opened only the columns.
func (c *Console) read(ctx context.Context, id string) (s verificationPage, err error) {
	s.Verification, err = c.cfg.Machine.Read(ctx, id)
	if s.Unreadable = unreadable(err); s.Unreadable != "" {
		err = nil
	}
	return s, err
}

func timelineOf(created time.Time, history []carrierfsm.Transition) []timelineRow {
	list, before := make([]timelineRow, len(history)), created
	for i, t := range history {
		list[i] = timelineRow{Transition: t, After: max(0, t.At.Sub(before)), Stays: t.From == t.To}
		before = t.At
	}
	return list
}

// handlersOf returns the parked rows of a verification, and the names of the handlers
// that can be called again, so not that of the figures. An error is only logged: the rest of the page is shown.
func (c *Console) handlersOf(ctx context.Context, q *request, id string) (rows []parkedRow, names []string) {
	cursors, err := c.cursors(ctx)
	if err == nil && len(cursors) > 0 {
		var list []outbox.Parked
		list, err = c.cfg.Dispatcher.Parked(ctx, outbox.ParkedQuery{ID: id})
		rows = c.parkedRows(list)
	}
	if err != nil && !errors.Is(err, errNoHandlers) {
		c.partFailed(q, err)
	}
	for _, h := range cursors {
		if c.cfg.Figures == nil || h.Name != c.cfg.Figures.Name() {
			names = append(names, h.Name)
		}
	}
	return rows, names
}
