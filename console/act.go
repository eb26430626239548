package console

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strconv"

	"github.com/carrierfsm/carrierfsm"
)

// deed is what an operator can do.
type deed struct {
	do func(c *Console, ctx context.Context, f deedForm) error
	// ends tells that it ends or erases a verification, and so is confirmed first.
	ends bool
}

// deeds by the word that the forms carry.
var deeds = map[string]deed{
	"cancel": {(*Console).cancels, true},
	"expire": {(*Console).expires, true},
	"erase":  {(*Console).erases, true},
	"replay": {(*Console).replays, false},
}

// deedForm is what a form tells.
type deedForm struct {
	do, id, handler string
	// step is that of the verification as the operator saw it, or the one to
	// replay from.
	step int
	sure bool
}

func (c *Console) cancels(ctx context.Context, f deedForm) error {
	_, err := c.cfg.Machine.Submit(ctx, f.id, carrierfsm.Cancel{})
	return err
}

func (c *Console) expires(ctx context.Context, f deedForm) error {
	return c.cfg.Machine.Expire(ctx, f.id)
}

func (c *Console) erases(ctx context.Context, f deedForm) error {
	if !f.sure {
		return errNotSure
	}
	return c.cfg.Machine.Erase(ctx, f.id)
}

func (c *Console) replays(ctx context.Context, f deedForm) error {
	return c.cfg.Machine.Replay(ctx, f.handler, f.id, f.step)
}

// confirming is the page that asks whether the operator means it.
type confirming struct {
	single
	Do string
}

func (c *Console) confirm(q *request) error {
	ctx, cancel := context.WithTimeout(q.Context(), patience)
	defer cancel()
	v := q.URL.Query()
	if !deeds[v.Get("do")].ends {
		return errBadRequest
	}
	s, err := c.peek(ctx, v.Get("id"))
	if err != nil {
		return err
	}
	c.show(q, http.StatusOK, "confirm", "Confirm", confirming{s, v.Get("do")})
	return nil
}

// act does what a form asks for, in the operator's name, and shows the
// verification after it.
func (c *Console) act(q *request) error {
	ctx, cancel := context.WithTimeout(q.Context(), patience)
	defer cancel()
	f, err := readDeed(q)
	if err != nil {
		return err
	}
	deed := deeds[f.do]
	if deed.ends {
		if err := c.unmoved(ctx, f); err != nil {
			return err
		}
	}
	err = deed.do(c, carrierfsm.ByOperator(ctx, q.by.Name), f)
	did := f.do
	if errors.Is(err, carrierfsm.ErrPending) && f.do == "cancel" {
		did, err = "pending", nil
	}
	if err != nil {
		return err
	}
	c.cfg.Logger.InfoContext(ctx, "console: an operator acted", "operator", q.by.Name, "did", did, "id", f.id, "handler", f.handler)
	// Relative, and not by http.Redirect, which would put the path before it
	// that is left of a prefix.
	q.w.Header().Set("Location", "verification?"+url.Values{"id": {f.id}, "did": {did}}.Encode())
	q.w.WriteHeader(http.StatusSeeOther)
	return nil
}

func readDeed(q *request) (f deedForm, err error) {
	q.Body = http.MaxBytesReader(q.w, q.Body, 64<<10)
	if err := q.ParseForm(); err != nil {
		return f, errBadRequest
	}
	v := q.PostForm
	f = deedForm{do: v.Get("do"), id: v.Get("id"), handler: v.Get("handler"), sure: v.Get("sure") == "on"}
	f.step, err = strconv.Atoi(v.Get("step"))
	if err != nil || f.id == "" || deeds[f.do].do == nil {
		return f, errBadRequest
	}
	return f, nil
}

// unmoved refuses what was asked for in view of something older.
func (c *Console) unmoved(ctx context.Context, f deedForm) error {
	s, err := c.peek(ctx, f.id)
	if err == nil && s.Step != f.step {
		err = errMovedOn
	}
	return err
}
