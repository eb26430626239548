package httpapi

import (
	"strings"
	"time"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/budget"
)

// ending returns the texts for the end of a verification, by its cause.
func (w *Words) ending(v *carrierfsm.Verification) ending {
	after := v.End.After
	switch {
	case v.End.Replaced:
		return w.end.replaced
	case v.End.By != "":
		return w.end.byOperator
	case v.Reason == carrierfsm.Expired && after == carrierfsm.UpstreamUnavailable:
		return w.end.notSent
	case v.Reason != carrierfsm.AttemptsExhausted:
	case after == carrierfsm.OutcomeUnknown, after == carrierfsm.ReplyUnrecognized:
		return w.end.noAnswer
	default:
		if e, known := w.end.exhausted[v.End.Prompt]; known {
			return e
		}
	}
	if e, known := w.end.events[v.Reason]; known {
		return e
	}
	return w.end.other
}

// showEnd shows the end of a verification, and how to go on.
func (w *Words) showEnd(s *Screen, v *carrierfsm.Verification, now time.Time) {
	e := w.ending(v)
	s.Topic, s.Tone, s.Title, s.Text = "end", "ended", e.title, e.text
	switch {
	case v.State == carrierfsm.Done:
		s.Tone = "done"
		return
	case e.fault:
		s.Tone = "failed"
	}
	if v.Reason == carrierfsm.VerificationRejected {
		s.Said = w.said(v.Message)
	}
	over := v.End.Limited
	if over != nil && !over.Until.IsZero() && !over.Until.After(now) {
		over = nil
	}
	if e.again || over != nil {
		s.Text = strings.TrimSpace(s.Text + w.again(over))
	}
	s.Actions = w.anew(over, now)
}

// again says whether and when another verification of the number can begin.
func (w *Words) again(over *budget.ExceededError) string {
	switch {
	case over == nil:
		return w.end.again
	case over.Until.IsZero():
		return w.end.never
	default:
		return fill(w.end.againAt, "time", w.at(over.Until))
	}
}

// anew returns the buttons after an end: another verification, of this number only once
// its budget allows it.
func (w *Words) anew(over *budget.ExceededError, now time.Time) []Action {
	again := Action{Input: InputAnew, Label: w.actions.anew, Main: true}
	if over == nil {
		return []Action{again}
	}
	other := Action{Input: InputAnew, Label: w.actions.otherNumber}
	if over.Until.IsZero() {
		return []Action{other}
	}
	again.After = &Clock{secondsUntil(over.Until, now), fill(w.actions.anewAt, "time", w.at(over.Until))}
	return []Action{again, other}
}

// showLimit shows a prompt that can't be answered today.
func (w *Words) showLimit(s *Screen, over *budget.ExceededError) {
	text, known := w.limits.kinds[over.Kind]
	if !known {
		text = w.limits.other
	}
	s.Title = w.limits.title
	if over.Until.IsZero() {
		s.Text = text + w.limits.never
	} else {
		s.Text = text + fill(w.limits.until, "time", w.at(over.Until))
	}
}
