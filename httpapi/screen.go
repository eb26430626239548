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
	// Language is that of all texts but Said.Text and names of operators, which are
	// Chinese: "zh" or "en".
	Language string `json:"language"`
	// Tag is Verification.Tag.
	Tag string `json:"tag"`
	// Topic identifies the question: the focus moves when it changes.
	Topic string `json:"topic"`
	// Step is what to submit with an input.
	Step int `json:"step"`
	// Tone is "ask", "wait", "done", "failed" for an end by what the person entered, or
	// "ended" for any other.
	Tone string `json:"tone"`
	// Live means that it may change without the person.
	Live     bool      `json:"live"`
	Progress *Progress `json:"progress,omitempty"`
	Title    string    `json:"title"`
	// About is whose number at which operator.
	About string `json:"about,omitempty"`
	// Why is why it is asked again; Wrong, that it was the person's mistake.
	Why   string `json:"why,omitempty"`
	Wrong bool   `json:"wrong,omitempty"`
	Said  *Said  `json:"said,omitempty"`
	Text  string `json:"text,omitempty"`
	// Terms is what the person is to agree to, where there are Consent.Documents.
	Terms    *Terms   `json:"terms,omitempty"`
	Link     *Link    `json:"link,omitempty"`
	Form     *Form    `json:"form,omitempty"`
	Help     *Help    `json:"help,omitempty"`
	Actions  []Action `json:"actions,omitempty"`
	Deadline *Clock   `json:"deadline,omitempty"`
}

// Progress is how far a verification is: 1 is the form, 2 the service password, and 3
// whatever the operator asks for after that. It may be done before the last step.
type Progress struct {
	Step  int    `json:"step"`
	Steps int    `json:"steps"`
	Text  string `json:"text"`
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

// Help is an answer to what persons often ask at a question.
type Help struct {
	Title string `json:"title"`
	Text  string `json:"text"`
}

// Action is a button next to the form, which submits Input. The inputs InputAnew and
// InputCorrect are none of carrierfsm.
type Action struct {
	Input   carrierfsm.InputKind `json:"input"`
	Label   string               `json:"label"`
	Main    bool                 `json:"main,omitempty"` // the recommended action
	After   *Clock               `json:"after,omitempty"`
	Confirm *Confirm             `json:"confirm,omitempty"`
}

// Actions that the page performs by itself.
const (
	// InputAnew begins another verification, after the end.
	InputAnew carrierfsm.InputKind = "anew"
	// InputCorrect cancels the verification and begins another, whose form has what was
	// entered before: the number was wrong.
	InputCorrect carrierfsm.InputKind = "correct"
)

// Confirm is what to ask before an action.
type Confirm struct {
	Text string `json:"text"`
	Yes  string `json:"yes"`
	No   string `json:"no"`
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
		w.showEnd(&s, v, now)
	case v.InFlight:
		w.wait(&s, v)
	default:
		w.ask(&s, v, now, consent)
	}
	return s
}

// wait shows that a call is in flight.
func (w *Words) wait(s *Screen, v *carrierfsm.Verification) {
	s.Topic, s.Tone, s.Progress = topic(v.Prompt), "wait", w.progressOf(v)
	s.Title, s.Text = w.actions.waiting, w.actions.busy
	if v.Canceling {
		s.Text = w.actions.canceling
		return
	}
	s.Actions = []Action{w.cancelAction()}
}

func topic(p *carrierfsm.Prompt) string { return string(p.Kind) + strconv.Itoa(p.Step) }

// ask shows a prompt.
func (w *Words) ask(s *Screen, v *carrierfsm.Verification, now time.Time, consent Consent) {
	p, q := v.Prompt, w.question(v.Prompt)
	s.Topic, s.Tone, s.Progress = topic(p), "ask", w.progressOf(v)
	s.Title, s.Text = q.title, w.fill(q.hint, v)
	s.Why, s.Wrong = w.fill(w.reason(v), v), isMistake(p.Reason)
	if _, known := w.prompts[p.Kind]; s.Wrong || !known { // the message of another reason is an older one
		s.Said = w.said(p.Message)
	}
	if p.Limited != nil {
		w.showLimit(s, p.Limited)
	} else {
		w.answerable(s, v, now, consent)
	}
	if v.ID != "" {
		s.Actions = append(s.Actions, w.endActions(v)...)
	}
	if !p.Deadline.IsZero() {
		s.Deadline = &Clock{secondsUntil(p.Deadline, now), w.actions.deadline}
	}
}

// answerable shows what can be entered and pressed at a prompt.
func (w *Words) answerable(s *Screen, v *carrierfsm.Verification, now time.Time, consent Consent) {
	p := v.Prompt
	if p.Kind == carrierfsm.PromptApplication {
		s.Terms = w.terms(consent)
	}
	if p.Kind == carrierfsm.PromptOwnSMS {
		s.Link = &Link{Href: "sms:10001?body=CXXD", Label: w.actions.textCXXD}
	}
	s.Form = w.form(p, consent)
	s.Actions = w.extraActions(p, now)
	if help, known := w.help[p.Kind]; known && !resetRequired(p) {
		help.Text = w.fill(help.Text, v)
		s.Help = &help
	}
}

// progressOf returns how far a verification is; nil for a kind of prompt that is newer
// than this build.
func (w *Words) progressOf(v *carrierfsm.Verification) *Progress {
	p := &Progress{Step: 3, Steps: 3}
	switch v.Prompt.Kind {
	case carrierfsm.PromptApplication:
		p.Step = 1
	case carrierfsm.PromptPassword, carrierfsm.PromptResetCaptcha:
		p.Step = 2
	case carrierfsm.PromptQueryPassword, carrierfsm.PromptCaptcha, carrierfsm.PromptSecondCaptcha, carrierfsm.PromptOwnSMS:
	default:
		return nil
	}
	p.Text = fill(w.progress.step, "n", strconv.Itoa(p.Step), "m", strconv.Itoa(p.Steps))
	if v.Sources > 1 {
		p.Text += fill(w.progress.source, "n", strconv.Itoa(len(v.Collected)+1), "m", strconv.Itoa(v.Sources))
	}
	return p
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

// endActions returns the buttons that end a verification: to correct the number, as long
// as nothing is done, and to cancel.
func (w *Words) endActions(v *carrierfsm.Verification) (list []Action) {
	if v.Prompt.Kind != carrierfsm.PromptApplication && len(v.Collected) == 0 {
		ask := &Confirm{Text: w.actions.correctAsks, Yes: w.actions.correctYes, No: w.actions.no}
		list = append(list, Action{Input: InputCorrect, Label: w.actions.correct, Confirm: ask})
	}
	return append(list, w.cancelAction())
}

func (w *Words) cancelAction() Action {
	ask := &Confirm{Text: w.actions.cancelAsks, Yes: w.actions.cancelYes, No: w.actions.no}
	return Action{Input: carrierfsm.InputCancel, Label: w.actions.cancel, Confirm: ask}
}

// showResent says that another code was sent.
func (w *Words) showResent(s *Screen, v *carrierfsm.Verification) {
	if v.Prompt != nil && !v.InFlight && isExpected(v.Prompt) {
		s.Why = w.resent
	}
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
