package console

import (
	"context"
	"net/http"
	"time"

	"github.com/carrierfsm/carrierfsm"
)

// single is the page of one verification.
type single struct {
	carrierfsm.Verification
	Unopened string // why only columns are known; empty where all is
	Steps    []stepped
	Torn     string // why some details are missing
	Diagram  diagram
	Parked   []carrierfsm.Parked
	Handlers []string // that can be replayed
}

// stepped is one row of the timeline.
type stepped struct {
	carrierfsm.Transition
	After time.Duration // since the row before, or the creation
	Stays bool          // in the same state
}

// Cancels, Expires and Erases tell what can be done.
func (s single) Cancels() bool { return s.Unopened == "" && !s.State.Terminal() && !s.Canceling }

// Expires tells whether it can be expired.
func (s single) Expires() bool { return s.Unopened == "" && !s.State.Terminal() && !s.InFlight }

// Erases tells whether there is anything to erase.
func (s single) Erases() bool { return s.Reason != carrierfsm.Erased && s.State.Valid() }

func (c *Console) verification(q *request) error {
	ctx, cancel := context.WithTimeout(q.Context(), patience)
	defer cancel()
	s, err := c.peek(ctx, q.URL.Query().Get("id"))
	if err != nil {
		return err
	}
	history, err := c.cfg.Machine.History(ctx, s.ID)
	if s.Torn = unopened(err); err != nil && s.Torn == "" {
		return err
	}
	s.Steps = steppedThrough(s.Created, history)
	s.Diagram = diagramOf(s.State, history)
	s.Parked, s.Handlers = c.handlersOf(ctx, q, s.ID)
	c.show(q, http.StatusOK, "verification", "Verification", s)
	return nil
}

// peek looks at one, by its columns where it can't be opened.
func (c *Console) peek(ctx context.Context, id string) (s single, err error) {
	s.Verification, err = c.cfg.Machine.Peek(ctx, id)
	if s.Unopened = unopened(err); s.Unopened != "" {
		err = nil
	}
	return s, err
}

func steppedThrough(created time.Time, history []carrierfsm.Transition) []stepped {
	list, before := make([]stepped, len(history)), created
	for i, t := range history {
		list[i] = stepped{Transition: t, After: max(0, t.At.Sub(before)), Stays: t.From == t.To}
		before = t.At
	}
	return list
}

// handlersOf are the parked rows of a verification, and the names of all handlers.
func (c *Console) handlersOf(ctx context.Context, q *request, id string) (rows []carrierfsm.Parked, names []string) {
	cursors, err := c.cfg.Machine.Cursors(ctx)
	if err == nil && len(cursors) > 0 {
		rows, err = c.cfg.Machine.Parked(ctx, carrierfsm.ParkedQuery{ID: id})
	}
	if err != nil {
		c.told(q, err)
	}
	for _, h := range cursors {
		names = append(names, h.Name)
	}
	return rows, names
}
