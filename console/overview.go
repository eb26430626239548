package console

import (
	"context"
	"net/http"
	"slices"
	"time"

	"github.com/carrierfsm/carrierfsm"
)

// maxOverdueCount is the largest number of overdue verifications that is counted.
const maxOverdueCount = 100

// overviewPage is the data of the overview. Each part that failed has the text
// of its error instead.
type overviewPage struct {
	Windows       []window
	Figures       figuresView
	FiguresError  string
	Overdue       int
	OverdueMore   bool // there are more than Overdue
	OldestDue     time.Time
	OverdueError  string
	Handlers      []handlerCursor
	Parked        int
	Behind        time.Time // of the handler that is furthest behind; zero where all are up to date
	NoReplica     bool      // there is a handler whose lease no replica holds
	HandlersError string
	Limited       int64 // refusals by budgets, of this process
	LimitedSince  time.Time
}

func (c *Console) overview(q *request) error {
	ctx, cancel := context.WithTimeout(q.Context(), timeout)
	defer cancel()
	name := q.URL.Query().Get("window")
	i := slices.IndexFunc(windows, func(w window) bool { return w.Name == name })
	if i < 0 && name != "" {
		return errBadRequest
	}
	s := overviewPage{Windows: windows, Limited: c.cfg.Machine.Stats().Limited - c.limited, LimitedSince: c.opened}
	var err error
	if s.Figures, err = c.figures(ctx, q.now, windows[max(i, 0)]); err != nil {
		s.FiguresError = c.partFailed(q, err)
		s.Figures.window = windows[max(i, 0)]
	}
	s.addOverdue(ctx, c, q)
	s.addHandlers(ctx, c, q)
	c.render(q, http.StatusOK, "overview", "Overview", s)
	return nil
}

func (s *overviewPage) addOverdue(ctx context.Context, c *Console, q *request) {
	list, err := c.cfg.Machine.Overdue(ctx, overdueAfter, carrierfsm.PageKey{}, maxOverdueCount+1)
	if err != nil {
		if s.OverdueError = c.partFailed(q, err); partial(err) == nil {
			return
		}
	}
	s.Overdue, s.OverdueMore = min(len(list), maxOverdueCount), len(list) > maxOverdueCount
	if len(list) > 0 {
		s.OldestDue = list[0].Due
	}
}

func (s *overviewPage) addHandlers(ctx context.Context, c *Console, q *request) {
	var err error
	if s.Handlers, err = c.cursors(ctx); err != nil {
		s.HandlersError = c.partFailed(q, err)
	}
	for _, h := range s.Handlers {
		s.Parked += h.Parked
		s.NoReplica = s.NoReplica || h.Owner == ""
		if !h.Behind.IsZero() && (s.Behind.IsZero() || h.Behind.Before(s.Behind)) {
			s.Behind = h.Behind
		}
	}
}
