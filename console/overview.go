package console

import (
	"context"
	"net/http"
	"slices"
	"time"

	"github.com/carrierfsm/carrierfsm"
)

// window is what figures can be over.
type window struct {
	Name, Label string
	Length      time.Duration
}

// windows are all of them; the first is shown unasked.
var windows = []window{
	{"24h", "24 hours", 24 * time.Hour}, {"1h", "1 hour", time.Hour}, {"7d", "7 days", 7 * 24 * time.Hour},
}

// fresh is how long figures are shown before they are computed anew.
const fresh = 10 * time.Second

// mostOverdue is up to how many overdue ones are counted.
const mostOverdue = 100

// summing is the page that is shown first.
type summing struct {
	Window        string
	Windows       []window
	Figures       figures
	FigureTrouble string
	Overdue       int
	OverdueMore   bool
	OldestDue     time.Time
	DueTrouble    string
	Handlers      []carrierfsm.Cursor
	Parked        int
	HandlerWords  string // why there are none to show
}

func (c *Console) overview(q *request) error {
	ctx, cancel := context.WithTimeout(q.Context(), patience)
	defer cancel()
	name := q.URL.Query().Get("window")
	i := slices.IndexFunc(windows, func(w window) bool { return w.Name == name })
	if i < 0 && name != "" {
		return errBadRequest
	}
	over := windows[max(i, 0)]
	s := summing{Window: over.Name, Windows: windows}
	survey, err := c.survey(ctx, q.now, over.Length)
	if err != nil {
		s.FigureTrouble = c.told(q, err)
	}
	s.Figures = figuresOf(survey)
	s.sumOverdue(ctx, c, q)
	s.sumHandlers(ctx, c, q)
	c.show(q, http.StatusOK, "overview", "Overview", s)
	return nil
}

// survey is the figures over a window, computed at most every so often.
func (c *Console) survey(ctx context.Context, now time.Time, length time.Duration) (carrierfsm.Survey, error) {
	return c.surveys.get(ctx, length, now, fresh, func(ctx context.Context) (carrierfsm.Survey, error) {
		return c.cfg.Machine.Survey(ctx, carrierfsm.SurveyQuery{Window: length})
	})
}

func (s *summing) sumOverdue(ctx context.Context, c *Console, q *request) {
	list, err := c.cfg.Machine.Overdue(ctx, stuckAfter, carrierfsm.DueMark{}, mostOverdue+1)
	if err != nil {
		s.DueTrouble = c.told(q, err)
		return
	}
	s.Overdue, s.OverdueMore = min(len(list), mostOverdue), len(list) > mostOverdue
	if len(list) > 0 {
		s.OldestDue = list[0].Due
	}
}

func (s *summing) sumHandlers(ctx context.Context, c *Console, q *request) {
	var err error
	if s.Handlers, err = c.cfg.Machine.Cursors(ctx); err != nil {
		s.HandlerWords = c.told(q, err)
	}
	for _, h := range s.Handlers {
		s.Parked += h.Parked
	}
}
