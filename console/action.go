package console

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/store/acts"
)

// action is something that an operator can do.
type action struct {
	do func(c *Console, ctx context.Context, f actionForm) error
	// final actions end or erase the verification. They need a confirmation, and
	// are refused if the verification has changed since the operator saw it.
	final bool
}

// actions by the parameter "do".
var actions = map[string]action{
	"cancel": {(*Console).cancel, true},
	"expire": {(*Console).expire, true},
	"erase":  {(*Console).erase, true},
	"replay": {(*Console).replay, false},
}

type actionForm struct {
	do, id, handler, reason string
	// step is the verification's when the operator saw it; for a replay the one
	// to replay from.
	step      int
	confirmed bool
}

func (c *Console) cancel(ctx context.Context, f actionForm) error {
	_, err := c.cfg.Machine.Submit(ctx, f.id, carrierfsm.Cancel{})
	return err
}

func (c *Console) expire(ctx context.Context, f actionForm) error {
	return c.cfg.Machine.Expire(ctx, f.id)
}

func (c *Console) erase(ctx context.Context, f actionForm) error {
	if !f.confirmed {
		return errNotConfirmed
	}
	return c.cfg.Machine.Erase(ctx, f.id)
}

func (c *Console) replay(ctx context.Context, f actionForm) error {
	if c.cfg.Dispatcher == nil {
		return errNoHandlers
	}
	return c.cfg.Dispatcher.Replay(ctx, f.handler, f.id, f.step)
}

// act returns the act of a form, as it is logged.
func (f actionForm) act() acts.Act {
	a := acts.Act{Kind: acts.Kind(f.do), Verification: f.id, Reason: f.reason, Count: 1}
	if a.Kind == acts.Replay {
		a.Handler, a.Step = f.handler, f.step
	}
	return a
}

// confirmPage is the data of the page that asks for a reason and a confirmation.
type confirmPage struct {
	verificationPage
	Do      string
	Handler string // of a replay
	From    int    // the step of the form
}

func (c *Console) confirm(q *request) error {
	ctx, cancel := context.WithTimeout(q.Context(), timeout)
	defer cancel()
	v := q.URL.Query()
	action, known := actions[v.Get("do")]
	if !known {
		return errBadRequest
	}
	s, err := c.read(ctx, v.Get("id"))
	if err == nil {
		err = c.looked(ctx, q, acts.Act{Kind: acts.Show, Verification: s.ID, Count: 1})
	}
	if err != nil {
		return err
	}
	page := confirmPage{verificationPage: s, Do: v.Get("do"), Handler: v.Get("handler"), From: s.Step}
	if !action.final {
		if page.From, err = strconv.Atoi(v.Get("step")); err != nil || page.Handler == "" {
			return errBadRequest
		}
	}
	c.render(q, http.StatusOK, "confirm", "Confirm", page)
	return nil
}

// act does the action of a form under the operator's name, and redirects to the
// verification.
func (c *Console) act(q *request) error {
	ctx, cancel := context.WithTimeout(q.Context(), timeout)
	defer cancel()
	f, err := parseActionForm(q)
	if err != nil {
		return err
	}
	if err := c.checkStep(ctx, f); err != nil {
		return err
	}
	if f.reason == "" {
		return errNoReason
	}
	err = acts.Do(carrierfsm.ByOperator(ctx, q.operator.Name), c.cfg.Acts, f.act(), func(ctx context.Context) (int, error) {
		err := actions[f.do].do(c, ctx, f)
		if err != nil && !errors.Is(err, carrierfsm.ErrPending) {
			return 0, err
		}
		return 1, err
	})
	did := f.do
	if errors.Is(err, carrierfsm.ErrPending) && f.do == "cancel" && !errors.Is(err, acts.ErrOutcomeNotLogged) {
		did, err = "pending", nil
	}
	if err != nil {
		return err
	}
	c.cfg.Logger.InfoContext(ctx, "console: an operator acted", "operator", q.operator.Name, "did", did, "id", f.id, "handler", f.handler)
	seeOther(q, "verification?"+url.Values{"id": {f.id}, "did": {did}}.Encode())
	return nil
}

func parseActionForm(q *request) (f actionForm, err error) {
	q.Body = http.MaxBytesReader(q.w, q.Body, 64<<10)
	if err := q.ParseForm(); err != nil {
		return f, errBadRequest
	}
	v := q.PostForm
	f = actionForm{
		do: v.Get("do"), id: v.Get("id"), handler: v.Get("handler"), reason: strings.TrimSpace(v.Get("reason")), confirmed: v.Get("sure") == "on",
	}
	f.step, err = strconv.Atoi(v.Get("step"))
	if err != nil || f.id == "" || actions[f.do].do == nil {
		return f, errBadRequest
	}
	return f, nil
}

// checkStep returns errMovedOn if a final action is for another step than the one that the
// operator saw. It returns carrierfsm.ErrNotFound for an id that is not there, which may
// be a phone number and is not logged.
func (c *Console) checkStep(ctx context.Context, f actionForm) error {
	s, err := c.read(ctx, f.id)
	switch {
	case err != nil:
		return err
	case !actions[f.do].final:
		return c.checkHandler(ctx, f)
	case s.Step != f.step:
		return errMovedOn
	default:
		return nil
	}
}

// checkHandler returns carrierfsm.ErrInvalid if no handler has the name.
func (c *Console) checkHandler(ctx context.Context, f actionForm) error {
	err := c.knowsHandler(ctx, f.handler)
	if errors.Is(err, errNoPage) {
		err = fmt.Errorf("%w: console: no handler of this name has ever run", carrierfsm.ErrInvalid)
	}
	return err
}
