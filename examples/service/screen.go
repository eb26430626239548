package main

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/carrierfsm/carrierfsm"
)

// screen is what the page shows: a verification in words, and the possible actions.
// It is made from the prompt alone. Times are seconds from now, as phones may have
// wrong clocks.
type screen struct {
	Mark  string `json:"mark"`  // identifies the screen; it changes with it
	Topic string `json:"topic"` // identifies the question; the focus moves when it changes
	Step  int    `json:"step"`
	Tone  string `json:"tone"` // "ask", "wait", "done", "failed"
	Live  bool   `json:"live"` // it may change without the person
	Title string `json:"title"`
	About string `json:"about,omitempty"` // whose number at which operator

	Why   string   `json:"why,omitempty"` // why it is asked again
	Wrong bool     `json:"wrong,omitempty"`
	Said  *said    `json:"said,omitempty"`
	Text  string   `json:"text,omitempty"`
	Terms []string `json:"terms,omitempty"`
	Link  *link    `json:"link,omitempty"`
	Form  *form    `json:"form,omitempty"`

	Actions  []action `json:"actions,omitempty"`
	Deadline *clock   `json:"deadline,omitempty"`
}

// said is upstream's own text.
type said struct {
	By   string `json:"by"`
	Text string `json:"text"`
}

type link struct {
	Href  string `json:"href"`
	Label string `json:"label"`
}

// action is a button next to the form, which submits Input.
type action struct {
	Input string `json:"input"`
	Label string `json:"label"`
	Main  bool   `json:"main,omitempty"` // the recommended action
	After *clock `json:"after,omitempty"`
}

// clock is a countdown; {t} in its text is the time left.
type clock struct {
	Seconds int    `json:"seconds"`
	Text    string `json:"text"`
}

// screenMark returns Mark: the verification, its step, and whether a call is in
// flight.
func screenMark(v *carrierfsm.Verification) string {
	return fmt.Sprintf("%.8s.%d.%t.%t", v.ID, v.Step, v.InFlight, v.Canceling)
}

// screen returns the screen of a verification; nil is one that does not exist yet.
func (w *words) screen(v *carrierfsm.Verification, now time.Time) screen {
	switch {
	case v == nil:
		s := screen{Mark: "new"}
		w.ask(&s, carrierfsm.Prompt{Kind: carrierfsm.PromptApplication}, now)
		return s
	case v.Prompt == nil:
		return w.endScreen(*v)
	}
	s := screen{Mark: screenMark(v), Live: true, Step: v.Step, About: strings.TrimSpace(v.Source.Name + " " + v.Account)}
	w.ask(&s, *v.Prompt, now)
	if v.InFlight {
		w.showWaiting(&s, v.Canceling)
	} else {
		s.Actions = append(s.Actions, action{Input: "cancel", Label: w.actions.cancel})
	}
	return s
}

func (w *words) endScreen(v carrierfsm.Verification) screen {
	e := w.ending(v)
	s := screen{
		Mark: screenMark(&v), Topic: "end", Step: v.Step, Tone: string(v.State), Title: e.title, Text: e.text,
		About:   strings.TrimSpace(v.Source.Name + " " + v.Account),
		Actions: []action{{Input: "anew", Label: w.actions.anew}},
	}
	if v.State == carrierfsm.Failed {
		s.Said = w.said(v.Message)
	}
	return s
}

// ask puts a prompt on the screen.
func (w *words) ask(s *screen, p carrierfsm.Prompt, now time.Time) {
	q := w.question(p.Kind)
	s.Topic, s.Tone = string(p.Kind)+strconv.Itoa(p.Step), "ask"
	s.Title, s.Text = q.title, q.hint
	s.Why, s.Wrong = w.reasonText(p.Kind, p.Reason), isMistake(p.Reason)
	if s.Why != "" {
		s.Said = w.said(p.Message)
	}
	if p.Kind == carrierfsm.PromptApplication {
		s.Terms = w.policy
	}
	if p.Kind == carrierfsm.PromptOwnSMS {
		s.Link = &link{Href: "sms:10001?body=CXXD", Label: w.actions.textCXXD}
	}
	s.Form = w.form(p)
	s.Actions = w.extraActions(p, now)
	if !p.Deadline.IsZero() {
		s.Deadline = &clock{secondsUntil(p.Deadline, now), w.actions.deadline}
	}
}

// extraActions returns the buttons next to the form: another code, a reset.
func (w *words) extraActions(p carrierfsm.Prompt, now time.Time) (list []action) {
	if p.Resend != nil {
		a := action{Input: "resend_captcha", Label: w.actions.resend}
		if left := secondsUntil(p.Resend.At, now); left > 0 {
			a.After = &clock{left, w.actions.resendIn}
		}
		list = append(list, a)
	}
	if p.Reset {
		main := p.Reason == carrierfsm.ResetRequired
		list = append(list, action{Input: "request_reset", Label: w.actions.reset, Main: main})
	}
	return list
}

// resetRequired reports whether the password can't be entered again before a reset.
func resetRequired(p carrierfsm.Prompt) bool { return p.Reset && p.AttemptsLeft == 0 }

// showWaiting changes a screen to one that waits for the call in flight.
func (w *words) showWaiting(s *screen, canceling bool) {
	s.Tone, s.Why, s.Wrong, s.Said, s.Terms, s.Link, s.Deadline = "wait", "", false, nil, nil, nil, nil
	s.Form, s.Actions = nil, []action{{Input: "cancel", Label: w.actions.cancel}}
	s.Title, s.Text = w.actions.waiting, w.actions.busy
	if canceling {
		s.Text, s.Actions = w.actions.canceling, nil
	}
}

func (w *words) said(message string) *said {
	if message == "" {
		return nil
	}
	return &said{By: w.actions.said, Text: message}
}

func isMistake(reason carrierfsm.Event) bool {
	for _, e := range neutralReasons {
		if e == reason {
			return false
		}
	}
	return reason != ""
}

// secondsUntil returns the whole seconds until a time, rounded up; 0 for a past one.
func secondsUntil(until, now time.Time) int {
	return max(0, int((until.Sub(now)+time.Second-1)/time.Second))
}
