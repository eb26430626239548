package console

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/store/acts"
)

// The console's own errors.
var (
	errUnknown      = errors.New("console: the operator is not known")
	errForbidden    = errors.New("console: the operator has no access")
	errLookOnly     = errors.New("console: the operator may only look")
	errNoPage       = errors.New("console: no such page")
	errMethod       = errors.New("console: method not allowed")
	errCrossOrigin  = errors.New("console: the form is from another origin")
	errBadRequest   = errors.New("console: invalid request")
	errMovedOn      = errors.New("console: the verification has changed since the operator saw it")
	errNotConfirmed = errors.New("console: the action was not confirmed")
	errNoneSelected = errors.New("console: no verification is selected")
	errNoReason     = errors.New("console: the action has no reason")
	errNoActs       = errors.New("console: no log of acts is configured")
	errNoNumbers    = errors.New("console: no key of numbers is configured")
	errNoNumber     = errors.New("console: no live verification of this number")
	errNoHandlers   = errors.New("console: no dispatcher is configured")
	errNoFigures    = errors.New("console: no figures are configured")
	errManyStreams  = errors.New("console: too many streams of changes are open")
	errComputing    = errors.New("console: the computation panicked")
)

// errorPage is what an operator sees of an error. It never holds the error's own
// text, which may be a driver's.
type errorPage struct {
	Status int
	Title  string
	Text   string
}

// errorPages are the pages by error; the first that matches is shown.
var errorPages = []struct {
	err error
	errorPage
}{
	{errUnknown, errorPage{http.StatusUnauthorized, "Not signed in", "The console needs your name and password."}},
	{errForbidden, errorPage{http.StatusForbidden, "No access", "You are not allowed to see this console."}},
	{errLookOnly, errorPage{http.StatusForbidden, "No access to actions", "You are allowed to look, not to act."}},
	{errNoPage, errorPage{http.StatusNotFound, "No such page", "There is no page with this name."}},
	{errMethod, errorPage{http.StatusMethodNotAllowed, "Method not allowed", "This page does not accept this kind of request."}},
	{errCrossOrigin, errorPage{http.StatusForbidden, "Cross-origin request", "The form was not sent by a page of this console. Nothing was done."}},
	{errBadRequest, errorPage{http.StatusBadRequest, "Invalid request", "The request is invalid. Nothing was done."}},
	{errNotConfirmed, errorPage{http.StatusBadRequest, "Not confirmed", "Tick the box to confirm. Nothing was done."}},
	{errNoReason, errorPage{http.StatusBadRequest, "No reason", "Say why: the reason is kept in the log of acts. Nothing was done."}},
	{errNoNumbers, errorPage{http.StatusNotFound, "Numbers are not found", "This console can't find verifications by their numbers."}},
	{errNoNumber, errorPage{http.StatusNotFound, "Not found", "There is no live verification of this number. One that has ended is not found by it."}},
	{errNoActs, errorPage{http.StatusNotFound, "No acts", "This console keeps no log of acts."}},
	{acts.ErrNotLogged, errorPage{http.StatusServiceUnavailable, "It can't be logged", "The store did not take the entry in the log of acts. Nothing was done."}},
	{acts.ErrOutcomeNotLogged, errorPage{http.StatusServiceUnavailable, "The outcome can't be logged", "The action was tried, and its outcome is missing in the log of acts: look again."}},
	{errNoneSelected, errorPage{http.StatusBadRequest, "Nothing selected", "Tick the verifications to replay. Nothing was done."}},
	{errMovedOn, errorPage{http.StatusConflict, "Changed since", "The verification has changed since you looked at it. Nothing was done: look again first."}},
	{carrierfsm.ErrNotFound, errorPage{http.StatusNotFound, "Not found", "There is no verification with this id, or it has no such step. It may have been purged."}},
	{carrierfsm.ErrInFlight, errorPage{http.StatusConflict, "A call is in flight", "It can't expire while a call is in flight. Wait for the outcome, or cancel."}},
	{carrierfsm.ErrNotAwaited, errorPage{http.StatusConflict, "It has ended", "The verification has ended already."}},
	{carrierfsm.ErrConflict, errorPage{http.StatusConflict, "Conflict", "The verification was changed by others at the same time. Look again."}},
	{carrierfsm.ErrForged, errorPage{http.StatusConflict, "It was changed", whyForged + " Only erasing it works."}}, // matches ErrSealed too
	{carrierfsm.ErrSealed, errorPage{http.StatusConflict, "It can't be opened", whySealed + " Only erasing it works."}},
	{carrierfsm.ErrNewerTable, errorPage{http.StatusConflict, "It needs a newer build", whyNewer + " Only erasing it works."}},
	{carrierfsm.ErrCorrupt, errorPage{http.StatusConflict, "It can't be read", whyCorrupt + " Only erasing it works."}},
	{errManyStreams, errorPage{http.StatusServiceUnavailable, "Too many open pages", "Too many pages are open. They update themselves less often."}},
	{errNoHandlers, errorPage{http.StatusNotFound, "No handlers", "This console shows no handlers."}},
	{errNoFigures, errorPage{http.StatusNotFound, "No figures", "This console shows no figures."}},
	{carrierfsm.ErrClosed, errorPage{http.StatusServiceUnavailable, "Closed", "This process is stopping. Try again in a moment."}},
	{carrierfsm.ErrInvalid, errorPage{http.StatusBadRequest, "Not possible", "The machine refused it: your name is not valid for the history, or no handler has this name. Nothing was done."}},
	{context.DeadlineExceeded, errorPage{http.StatusServiceUnavailable, "Too slow", "The store did not answer in time."}},
	{carrierfsm.ErrStore, errorPage{http.StatusServiceUnavailable, "The store failed", "The store did not answer. The action may or may not have been done: look again."}},
}

// Why a record can't be opened.
const (
	whyForged  = "What is stored was changed by something else than this library."
	whySealed  = "It is sealed, and this process has no key for it."
	whyNewer   = "A newer build wrote it with features that this one does not know."
	whyCorrupt = "Its content was not written by this library, or is damaged."
)

// errorPageFor returns the page for an error; status 500 if none matches.
func errorPageFor(err error) errorPage {
	if some := partial(err); some != nil {
		text := "No answer from " + strings.Join(some.Shards, ", ") + ": rows of these shards are missing."
		return errorPage{http.StatusServiceUnavailable, "A shard failed", text}
	}
	var param paramError
	if errors.As(err, &param) {
		return param.page()
	}
	for _, t := range errorPages {
		if errors.Is(err, t.err) {
			return t.errorPage
		}
	}
	return errorPage{http.StatusInternalServerError, "Internal error", "An unexpected error occurred. See the log."}
}

// unreadable returns why a record can't be opened; empty for other errors.
func unreadable(err error) string {
	var where *carrierfsm.Error
	switch {
	case errors.Is(err, carrierfsm.ErrForged) && errors.As(err, &where):
		return whyForged + " Does not fit: " + strings.TrimPrefix(where.Err.Error(), carrierfsm.ErrForged.Error()+": ") + "."
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
	t := errorPageFor(err)
	if t.Status >= http.StatusInternalServerError || errors.Is(err, errCrossOrigin) {
		c.cfg.Logger.WarnContext(q.Context(), "console: request failed", "page", q.page, "operator", q.operator.Name, "err", err)
	}
	if q.operator.Access < Look {
		http.Error(q.w, t.Text, t.Status) // plain text: the assets of a page are for operators too
		return
	}
	c.render(q, t.Status, "error", t.Title, struct {
		Text, Back string
	}{t.Text, q.formID()})
}

// formID returns the verification of a refused form, for a link back.
func (q *request) formID() string {
	if q.page != "act" || q.PostForm == nil {
		return ""
	}
	return q.PostForm.Get("id")
}
