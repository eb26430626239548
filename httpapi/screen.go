package httpapi

import (
	"strconv"
	"strings"
	"time"

	"github.com/carrierfsm/carrierfsm"
)

// Screen is what a page shows: a verification in words, and what the person can do.
// It is made from the prompt alone.
type Screen struct {
	// Language is that of all texts but Said.Text: "zh" or "en".
	Language string `json:"language"`
	// Tag is Verification.Tag.
	Tag string `json:"tag"`
	// Topic identifies the question: the focus moves when it changes.
	Topic string `json:"topic"`
	// Step is what to submit with an input.
	Step int `json:"step"`
	// Tone is "ask", "wait", "done" or "failed".
	Tone string `json:"tone"`
	// Live means that it may change without the person.
	Live  bool   `json:"live"`
	Title string `json:"title"`
	// About is whose number at which operator.
	About string `json:"about,omitempty"`
	// Why is why it is asked again; Wrong, that it was the person's mistake.
	Why   string `json:"why,omitempty"`
	Wrong bool   `json:"wrong,omitempty"`
	Said  *Said  `json:"said,omitempty"`
	Text  string `json:"text,omitempty"`
	// Terms are the paragraphs of Consent.Terms, where the person is to agree to them.
	Terms    []string `json:"terms,omitempty"`
	Link     *Link    `json:"link,omitempty"`
	Form     *Form    `json:"form,omitempty"`
	Actions  []Action `json:"actions,omitempty"`
	Deadline *Clock   `json:"deadline,omitempty"`
}

// Said is upstream's own text.
type Said struct {
	By   string `json:"by"`
	Text string `json:"text"`
}

// Link is a link that helps with the question.
type Link struct {
	Href  string `json:"href"`
	Label string `json:"label"`
}

// Action is a button next to the form, which submits Input. The Input "anew", after
// the end, is none: it begins another verification.
type Action struct {
	Input carrierfsm.InputKind `json:"input"`
	Label string               `json:"label"`
	Main  bool                 `json:"main,omitempty"` // the recommended action
	After *Clock               `json:"after,omitempty"`
}

// Clock is a countdown; {t} in its text is the time left.
type Clock struct {
	Seconds int    `json:"seconds"`
	Text    string `json:"text"`
}

// Screen returns the screen of a verification, as of now; nil is one that does not
// exist yet. consent is what a form has to agree to.
func (w *Words) Screen(v *carrierfsm.Verification, now time.Time, consent Consent) Screen {
	if v == nil {
		v = unborn()
	}
	s := Screen{
		Language: w.lang, Tag: tag(v), Step: v.Step, Live: v.ID != "" && v.Prompt != nil,
		About: strings.TrimSpace(v.Source.Name + " " + v.Account),
	}
	switch {
	case v.Prompt == nil:
		w.end(&s, v)
	case v.InFlight:
		w.wait(&s, v)
	default:
		w.ask(&s, v, now, consent)
	}
	return s
}

func (w *Words) end(s *Screen, v *carrierfsm.Verification) {
	e := w.ending(v.Reason)
	s.Topic, s.Tone, s.Title, s.Text = "end", string(v.State), e.title, e.text
	s.Actions = []Action{{Input: "anew", Label: w.actions.anew}}
	if v.Reason == carrierfsm.VerificationRejected {
		s.Said = w.said(v.Message)
	}
}

// wait shows that a call is in flight.
func (w *Words) wait(s *Screen, v *carrierfsm.Verification) {
	s.Topic, s.Tone = topic(v.Prompt), "wait"
	s.Title, s.Text = w.actions.waiting, w.actions.busy
	if v.Canceling {
		s.Text = w.actions.canceling
		return
	}
	s.Actions = []Action{{Input: carrierfsm.InputCancel, Label: w.actions.cancel}}
}

func topic(p *carrierfsm.Prompt) string { return string(p.Kind) + strconv.Itoa(p.Step) }

// ask shows a prompt.
func (w *Words) ask(s *Screen, v *carrierfsm.Verification, now time.Time, consent Consent) {
	p, q := v.Prompt, w.question(v.Prompt.Kind)
	s.Topic, s.Tone = topic(p), "ask"
	s.Title, s.Text = q.title, w.fill(q.hint, v)
	s.Why, s.Wrong = w.fill(w.reason(p), v), isMistake(p.Reason)
	if _, known := w.prompts[p.Kind]; s.Wrong || !known { // the message of another reason is an older one
		s.Said = w.said(p.Message)
	}
	if p.Kind == carrierfsm.PromptApplication {
		s.Terms = consent.Terms[w.lang]
	}
	if p.Kind == carrierfsm.PromptOwnSMS {
		s.Link = &Link{Href: "sms:10001?body=CXXD", Label: w.actions.textCXXD}
	}
	s.Form = w.form(p, consent)
	s.Actions = w.extraActions(p, now)
	if v.ID != "" {
		s.Actions = append(s.Actions, Action{Input: carrierfsm.InputCancel, Label: w.actions.cancel})
	}
	if !p.Deadline.IsZero() {
		s.Deadline = &Clock{secondsUntil(p.Deadline, now), w.actions.deadline}
	}
}

// extraActions returns the buttons next to the form: another code, a reset.
func (w *Words) extraActions(p *carrierfsm.Prompt, now time.Time) (list []Action) {
	if p.Resend != nil {
		a := Action{Input: carrierfsm.InputResendCaptcha, Label: w.actions.resend}
		if left := secondsUntil(p.Resend.At, now); left > 0 {
			a.After = &Clock{left, w.actions.resendIn}
		}
		list = append(list, a)
	}
	if p.Reset {
		list = append(list, Action{Input: carrierfsm.InputRequestReset, Label: w.actions.reset, Main: resetRequired(p)})
	}
	return list
}

// resetRequired reports whether the present password is of no use before a reset.
func resetRequired(p *carrierfsm.Prompt) bool {
	return p.Reset && (p.AttemptsLeft == 0 || p.Reason == carrierfsm.ResetRequired)
}

func (w *Words) said(message string) *Said {
	if message == "" {
		return nil
	}
	return &Said{By: w.actions.said, Text: message}
}
