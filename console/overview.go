package console

import (
	"context"
	"net/http"
	"slices"
	"time"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/store/survey"
)

// window is a period that figures can cover.
type window struct {
	Name, Label string
	Length      time.Duration
}

// windows are the choices; the first is the default.
var windows = []window{
	{"24h", "24 hours", 24 * time.Hour}, {"1h", "1 hour", time.Hour}, {"7d", "7 days", 7 * 24 * time.Hour},
}

// surveyTTL is how long computed figures are cached.
const surveyTTL = 10 * time.Second

// maxOverdueCount is the largest number of overdue verifications that is counted.
const maxOverdueCount = 100

// overviewPage is the data of the overview. Each part that failed has the text
// of its error instead.
type overviewPage struct {
	Window        string
	Windows       []window
	Figures       figures
	FiguresError  string
	Overdue       int
	OverdueMore   bool // there are more than Overdue
	OldestDue     time.Time
	OverdueError  string
	Handlers      []handlerCursor
	Parked        int
	HandlersError string
}

func (c *Console) overview(q *request) error {
	ctx, cancel := context.WithTimeout(q.Context(), timeout)
	defer cancel()
	name := q.URL.Query().Get("window")
	i := slices.IndexFunc(windows, func(w window) bool { return w.Name == name })
	if i < 0 && name != "" {
		return errBadRequest
	}
	over := windows[max(i, 0)]
	s := overviewPage{Window: over.Name, Windows: windows}
	figures, err := c.survey(ctx, q.now, over.Length)
	if err != nil {
		s.FiguresError = c.partFailed(q, err)
	}
	s.Figures = figuresOf(figures)
	s.addOverdue(ctx, c, q)
	s.addHandlers(ctx, c, q)
	c.render(q, http.StatusOK, "overview", "Overview", s)
	return nil
}

// survey returns the figures of a window, from the cache while they are fresh.
func (c *Console) survey(ctx context.Context, now time.Time, length time.Duration) (survey.Survey, error) {
	return c.surveys.get(ctx, length, now, surveyTTL, func(ctx context.Context) (survey.Survey, error) {
		if c.cfg.Surveyor == nil {
			return survey.Survey{}, errNoFigures
		}
		return survey.Take(ctx, c.cfg.Surveyor, survey.Query{Now: now, Window: length})
	})
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
	}
}
