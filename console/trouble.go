package console

import (
	"context"
	"errors"
	"net/http"

	"github.com/carrierfsm/carrierfsm"
)

// What is refused by this package itself.
var (
	errForbidden   = errors.New("console: not for this operator")
	errLookOnly    = errors.New("console: this operator may only look")
	errNoPage      = errors.New("console: no such page")
	errMethod      = errors.New("console: no such method")
	errCrossOrigin = errors.New("console: the form is from elsewhere")
	errBadRequest  = errors.New("console: the request makes no sense")
	errMovedOn     = errors.New("console: it has moved on since")
	errNotSure     = errors.New("console: it was not confirmed")
	errComputing   = errors.New("console: the computation ended without a result")
)

// trouble is what an operator is told of an error. It never holds the error's
// own text, which may be that of a driver.
type trouble struct {
	Status int
	Title  string
	Text   string
}

// troubles are what errors mean, the first that matches.
var troubles = []struct {
	err error
	trouble
}{
	{errForbidden, trouble{http.StatusForbidden, "Not for you", "You are not allowed to see this console."}},
	{errLookOnly, trouble{http.StatusForbidden, "Looking only", "You are allowed to look, not to act."}},
	{errNoPage, trouble{http.StatusNotFound, "No such page", "There is no page of this name."}},
	{errMethod, trouble{http.StatusMethodNotAllowed, "No such method", "This page is not made for this kind of request."}},
	{errCrossOrigin, trouble{http.StatusForbidden, "From elsewhere", "The form was not sent by a page of this console. Nothing was done."}},
	{errBadRequest, trouble{http.StatusBadRequest, "Not understood", "The request makes no sense. Nothing was done."}},
	{errNotSure, trouble{http.StatusBadRequest, "Not confirmed", "Tick the box to confirm. Nothing was done."}},
	{errMovedOn, trouble{http.StatusConflict, "It has moved on", "The verification has moved on since you looked. Nothing was done: look again first."}},
	{carrierfsm.ErrNotFound, trouble{http.StatusNotFound, "Not found", "There is no verification of this id, or no such step of it. It may have been purged."}},
	{carrierfsm.ErrInFlight, trouble{http.StatusConflict, "An answer is under way", "While an answer is under way it can't expire. Wait for its outcome, or cancel."}},
	{carrierfsm.ErrNotAwaited, trouble{http.StatusConflict, "It has ended", "The verification has ended already."}},
	{carrierfsm.ErrConflict, trouble{http.StatusConflict, "Changed meanwhile", "Others kept changing the verification at the same time. Look again."}},
	{carrierfsm.ErrSealed, trouble{http.StatusConflict, "It can't be opened", whySealed + " Only erasing it works."}},
	{carrierfsm.ErrNewerTable, trouble{http.StatusConflict, "It needs a newer build", whyNewer + " Only erasing it works."}},
	{carrierfsm.ErrCorrupt, trouble{http.StatusConflict, "It can't be read", whyCorrupt + " Only erasing it works."}},
	{carrierfsm.ErrNoOutbox, trouble{http.StatusNotFound, "No handlers", "This store keeps no place for handlers."}},
	{carrierfsm.ErrNoSurveyor, trouble{http.StatusNotFound, "No figures", "This store has no power to be surveyed, so there are no figures."}},
	{carrierfsm.ErrClosed, trouble{http.StatusServiceUnavailable, "Closed", "This process is stopping. Try again in a moment."}},
	{carrierfsm.ErrInvalid, trouble{http.StatusBadRequest, "Not possible", "The machine refused it: your name can't stand in a history, or no handler has this name. Nothing was done."}},
	{context.DeadlineExceeded, trouble{http.StatusServiceUnavailable, "Too slow", "The store did not answer in time."}},
	{carrierfsm.ErrStore, trouble{http.StatusServiceUnavailable, "The store failed", "The store did not answer. What was asked for may or may not have been done: look again."}},
}

// Why a record is shown by its columns alone.
const (
	whySealed  = "It is sealed, and this process has no key for it."
	whyNewer   = "A newer build wrote it, and this one does not know what it uses."
	whyCorrupt = "What it holds is not what this library writes."
)

// troubleOf says what an error means; status 500 for what nobody foresaw.
func troubleOf(err error) trouble {
	for _, t := range troubles {
		if errors.Is(err, t.err) {
			return t.trouble
		}
	}
	return trouble{http.StatusInternalServerError, "Something failed", "Something failed that nobody foresaw. The log knows more."}
}

// unopened says why only the columns of a record are known; empty for other errors.
func unopened(err error) string {
	switch {
	case errors.Is(err, carrierfsm.ErrSealed):
		return whySealed
	case errors.Is(err, carrierfsm.ErrNewerTable):
		return whyNewer
	case errors.Is(err, carrierfsm.ErrCorrupt):
		return whyCorrupt
	default:
		return ""
	}
}

// fail answers a request that could not be served.
func (c *Console) fail(q *request, err error) {
	t := troubleOf(err)
	if t.Status >= http.StatusInternalServerError || errors.Is(err, errCrossOrigin) {
		c.cfg.Logger.WarnContext(q.Context(), "console: failed", "page", q.page, "operator", q.by.Name, "err", err)
	}
	if q.by.Access < Look {
		http.Error(q.w, t.Text, t.Status) // no page: its style and script are for operators
		return
	}
	c.show(q, t.Status, "trouble", t.Title, struct {
		Text, Back string
	}{t.Text, q.formID()})
}

// formID is the verification that a refused form was about, to go back to.
func (q *request) formID() string {
	if q.page != "act" || q.PostForm == nil {
		return ""
	}
	return q.PostForm.Get("id")
}
