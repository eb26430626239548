package main

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm"
)

// allReasons returns all events, and the empty reason of the first prompt.
func allReasons() []carrierfsm.Event {
	seen := map[carrierfsm.Event]bool{"": true}
	for _, e := range carrierfsm.Edges() {
		seen[e.Event] = true
	}
	list := make([]carrierfsm.Event, 0, len(seen))
	for e := range seen {
		list = append(list, e)
	}
	return list
}

// forEachPrompt calls f for both languages and every kind and reason.
func forEachPrompt(f func(w *words, p carrierfsm.Prompt)) {
	for _, w := range languages {
		for _, kind := range carrierfsm.PromptKinds() {
			for _, reason := range allReasons() {
				f(w, carrierfsm.Prompt{Kind: kind, Step: 3, Reason: reason, AttemptsLeft: 2, Reset: kind == carrierfsm.PromptPassword})
			}
		}
	}
}

func TestEveryPromptHasTexts(t *testing.T) {
	t.Parallel()
	forEachPrompt(func(w *words, p carrierfsm.Prompt) {
		where := []any{"%s %s %s", w.lang, p.Kind, p.Reason}
		require.Contains(t, w.prompts, p.Kind, where...)
		if p.Reason != "" {
			require.NotEmpty(t, w.reasons[p.Reason], where...)
		}
		var s screen
		w.ask(&s, p, time.Now())
		require.NotEmpty(t, s.Title, where...)
		require.NotEmpty(t, s.Text, where...)
		require.NotNil(t, s.Form, where...)
		require.Contains(t, inputs, s.Form.Input, where...)
		require.NotEmpty(t, s.Form.Submit, where...)
		require.NotEmpty(t, s.Form.Missing, where...)
		for _, f := range s.Form.Fields {
			require.NotEmpty(t, f.Label, where...)
			require.NotEmpty(t, f.Complete, where...)
		}
		for _, a := range s.Actions {
			require.Contains(t, inputs, a.Input, where...)
			require.NotEmpty(t, a.Label, where...)
		}
	})
}

// A prompt has a reason text, unless its reason is the expected one.
func TestARepeatedPromptHasAReason(t *testing.T) {
	t.Parallel()
	silent := 0
	forEachPrompt(func(w *words, p carrierfsm.Prompt) {
		if w.reasonText(p.Kind, p.Reason) == "" {
			silent++
			require.False(t, isMistake(p.Reason), "%s %s", p.Kind, p.Reason)
		}
	})
	require.Equal(t, len(languages)*len(carrierfsm.PromptKinds()), silent, "one for each kind")
}

func TestEveryEndHasAText(t *testing.T) {
	t.Parallel()
	for _, w := range languages {
		for _, e := range carrierfsm.Edges() {
			if !e.To.Terminal() {
				continue
			}
			s := w.screen(&carrierfsm.Verification{ID: "12345678", State: e.To, Reason: e.Event}, time.Now())
			require.Contains(t, w.ends, e.Event, w.lang)
			require.Equal(t, string(e.To), s.Tone)
			require.NotEmpty(t, s.Title)
			require.NotEmpty(t, s.Text)
			require.Equal(t, "anew", s.Actions[0].Input)
		}
	}
}

// An older build shows the kinds and events of a newer one.
func TestUnknownKindsAndEventsAreShown(t *testing.T) {
	t.Parallel()
	for _, w := range languages {
		v := carrierfsm.Verification{
			ID: "12345678", State: carrierfsm.AwaitingCaptcha, Step: 4,
			Prompt: &carrierfsm.Prompt{Kind: "fingerprint", Step: 4, Reason: "finger_wet", Message: "请擦干手指"},
		}
		s := w.screen(&v, time.Now())
		require.NotEmpty(t, s.Title)
		require.NotEmpty(t, s.Text)
		require.Equal(t, w.another, s.Why)
		require.Equal(t, "请擦干手指", s.Said.Text)
		require.Nil(t, s.Form)
		require.Equal(t, "cancel", s.Actions[0].Input, "it can always be canceled")
		end := w.screen(&carrierfsm.Verification{State: carrierfsm.Failed, Reason: "finger_lost"}, time.Now())
		require.Equal(t, w.failed.title, end.Title)
		require.Equal(t, w.broken, w.problem("unheard of"))
	}
}

// A person sees no event, no kind of prompt and no process code.
func TestAScreenShowsNoInternalNames(t *testing.T) {
	t.Parallel()
	forEachPrompt(func(w *words, p carrierfsm.Prompt) {
		var s screen
		w.ask(&s, p, time.Now())
		for _, text := range append([]string{s.Title, s.Text, s.Why, s.Form.Submit}, s.Terms...) {
			require.NotContains(t, text, "_")
			require.NotRegexp(t, `\b(10\d\d\d|30000|11000)\b`, strings.ReplaceAll(text, "10001", "")) // a phone number
		}
	})
}

// Both languages have the same texts, each in its own script.
func TestBothLanguagesAreComplete(t *testing.T) {
	t.Parallel()
	for word, text := range chinese.problems {
		require.NotEmpty(t, english.problems[word], word)
		require.True(t, strings.ContainsFunc(text, func(r rune) bool { return unicode.Is(unicode.Han, r) }), word)
	}
	require.Len(t, english.problems, len(chinese.problems))
	require.Len(t, english.policy, len(chinese.policy))
	for kind, q := range chinese.prompts {
		for _, text := range []string{q.title, q.hint, q.submit} {
			require.True(t, strings.ContainsFunc(text, func(r rune) bool { return unicode.Is(unicode.Han, r) }), kind)
			require.NotContains(t, text, ",", "a comma of the other script")
		}
	}
}

func TestTheLanguageIsThatOfThePageOrOfTheBrowser(t *testing.T) {
	t.Parallel()
	for query, byHeader := range map[string]map[string]string{
		"":         {"": "zh", "en-GB,en;q=0.9": "en", "fr,en;q=0.5": "en", "zh-TW": "zh", "fr": "zh", "EN": "en"},
		"?lang=en": {"": "en", "zh-CN": "en"},
		"?lang=zh": {"en": "zh"},
		"?lang=xx": {"en": "en", "": "zh"},
	} {
		for header, want := range byHeader {
			r := httptest.NewRequest(http.MethodGet, "/"+query, nil)
			r.Header.Set("Accept-Language", header)
			require.Equal(t, want, language(r).lang, "%q %q", query, header)
		}
	}
}

// While a call is in flight there is no form, but the verification can be canceled.
func TestAScreenWaitsForACallInFlight(t *testing.T) {
	t.Parallel()
	v := carrierfsm.Verification{
		ID: "12345678", State: carrierfsm.AwaitingPassword, Step: 2, InFlight: true,
		Prompt: &carrierfsm.Prompt{Kind: carrierfsm.PromptPassword, Step: 2, Reason: carrierfsm.PasswordRejected},
	}
	s := english.screen(&v, time.Now())
	require.Equal(t, "wait", s.Tone)
	require.Nil(t, s.Form)
	require.Equal(t, "cancel", s.Actions[0].Input)
	v.Canceling = true
	require.Empty(t, english.screen(&v, time.Now()).Actions)
	text, err := json.Marshal(s)
	require.NoError(t, err)
	require.NotContains(t, string(text), "password_rejected")
}

// While a reset is required the only action is the reset.
func TestAPasswordThatMustBeResetCannotBeEntered(t *testing.T) {
	t.Parallel()
	var s screen
	english.ask(&s, carrierfsm.Prompt{Kind: carrierfsm.PromptPassword, Step: 3, Reason: carrierfsm.ResetRequired, Reset: true}, time.Now())
	require.Nil(t, s.Form)
	require.Equal(t, []action{{Input: "request_reset", Label: english.actions.reset, Main: true}}, s.Actions)
}
