package console

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/store/acts"
)

// maxReplay is how many parked verifications one act replays, those first that are to be
// tried first.
const maxReplay = 200

// replayPage is the data of the page that asks for the reason of a replay of many.
type replayPage struct {
	parkedSelection
	Rows  []parkedRow // the first of them
	Count int         // how many are replayed
	Match int         // how many match
	More  bool        // further ones may match
}

// replayForm is what the page sends.
type replayForm struct {
	parkedSelection
	reason string
	count  int
}

// confirmReplay shows how many parked verifications a selection matches.
func (c *Console) confirmReplay(q *request) error {
	ctx, cancel := context.WithTimeout(q.Context(), timeout)
	defer cancel()
	v := q.URL.Query()
	s := parkedSelection{Handler: v.Get("name"), Error: v.Get("error"), IDs: v["row"]}
	if err := c.knowsHandler(ctx, s.Handler); err != nil {
		return err
	}
	if v.Get("some") != "" && len(s.IDs) == 0 {
		return errNoneSelected
	}
	rows, more, err := c.selected(ctx, s)
	if err != nil {
		return err
	}
	page := replayPage{parkedSelection: s, Rows: rows[:min(len(rows), parkedPerHandler)], Count: min(len(rows), maxReplay), Match: len(rows), More: more}
	c.render(q, http.StatusOK, "replay", "Replay", page)
	return nil
}

// replayMany replays the parked verifications that a form selects, each from the step
// where its handler failed. It is one act in the log.
func (c *Console) replayMany(q *request) error {
	ctx, cancel := context.WithTimeout(q.Context(), timeout)
	defer cancel()
	f, err := parseReplayForm(q)
	if err == nil {
		err = c.knowsHandler(ctx, f.Handler)
	}
	if err != nil {
		return err
	}
	rows, _, err := c.selected(ctx, f.parkedSelection)
	switch {
	case err != nil:
		return err
	case f.reason == "":
		return errNoReason
	case min(len(rows), maxReplay) > f.count:
		return errMovedOn
	}
	rows = rows[:min(len(rows), f.count)]
	a := acts.Act{Kind: acts.Replay, Handler: f.Handler, Reason: f.reason, Count: len(rows)}
	err = acts.Do(carrierfsm.ByOperator(ctx, q.operator.Name), c.cfg.Acts, a, func(ctx context.Context) (int, error) {
		return c.replayRows(ctx, rows)
	})
	if err != nil {
		return err
	}
	c.cfg.Logger.InfoContext(ctx, "console: an operator acted", "operator", q.operator.Name, "did", "replay", "handler", f.Handler, "count", len(rows))
	seeOther(q, "handlers?"+url.Values{"name": {f.Handler}, "did": {"replay"}}.Encode())
	return nil
}

// replayRows replays and returns how many, and the first error. What is no longer there,
// because it was purged meanwhile, is left out.
func (c *Console) replayRows(ctx context.Context, rows []parkedRow) (done int, err error) {
	for _, r := range rows {
		switch e := c.cfg.Dispatcher.Replay(ctx, r.Handler, r.ID, r.Step); {
		case e == nil:
			done++
		case !errors.Is(e, carrierfsm.ErrNotFound):
			err = cmp.Or(err, e)
		}
		if ctx.Err() != nil {
			break
		}
	}
	return done, err
}

func parseReplayForm(q *request) (f replayForm, err error) {
	q.Body = http.MaxBytesReader(q.w, q.Body, 64<<10)
	if err := q.ParseForm(); err != nil {
		return f, errBadRequest
	}
	v := q.PostForm
	f = replayForm{parkedSelection{v.Get("name"), v.Get("error"), v["row"]}, strings.TrimSpace(v.Get("reason")), 0}
	if f.count, err = strconv.Atoi(v.Get("count")); err != nil || f.count < 1 {
		return f, errBadRequest
	}
	return f, nil
}
