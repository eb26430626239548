package carrierfsm_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	. "github.com/carrierfsm/carrierfsm"
)

// edgesWithout are the edges except those for which drop returns true.
func edgesWithout(drop func(Edge) bool) []Edge { return slices.DeleteFunc(Edges(), drop) }

func TestABrokenTransitionTableDoesNotLoad(t *testing.T) {
	t.Parallel()
	require.NoError(t, CheckEdges(Edges()))
	cases := []struct {
		rule  string
		edges []Edge
		says  string
	}{
		{"an edge stands twice", append(Edges(), Edge{AwaitingCaptcha, CaptchaRejected, AwaitingCaptcha}), "two edges"},
		{"an event leads to two places", append(Edges(), Edge{AwaitingCaptcha, CollectionStarted, Failed}), "two edges"},
		{"an edge leaves an unknown state", append(Edges(), Edge{"moonrise", Expired, Failed}), "not declared"},
		{"an edge leads to an unknown state", append(Edges(), Edge{Created, CaptchaRequested, "moonrise"}), "not declared"},
		{"an event is not declared", append(Edges(), Edge{Created, "moon_rose", Failed}), "not declared"},
		{"a misspelt state", append(Edges(), Edge{Created, PasswordRequested, "awaiting_pasword"}), "not declared"},
		{"done can be left", append(Edges(), Edge{Done, ReplyUnrecognized, Created}), "leaves a terminal state"},
		{"failed can be left", append(Edges(), Edge{Failed, PasswordReset, AwaitingPassword}), "leaves a terminal state"},
		{"failed turns into done", append(Edges(), Edge{Failed, CollectionStarted, Done}), "leaves a terminal state"},
		{"done is not reached", edgesWithout(func(e Edge) bool { return e.To == Done }), "done can't be reached"},
		{"a state is not reached", edgesWithout(func(e Edge) bool { return e.To == AwaitingCaptcha && e.From != e.To }), "awaiting_captcha can't be reached"},
		{"a state can't be left", edgesWithout(func(e Edge) bool { return e.From == AwaitingCaptcha }), "awaiting_captcha is a dead end"},
		{"a state leads only to itself", edgesWithout(func(e Edge) bool { return e.From == AwaitingPassword && e.To != e.From }), "awaiting_password is a dead end"},
		{"no table at all", nil, "can't be reached"},
	}
	for _, c := range cases {
		t.Run(c.rule, func(t *testing.T) {
			t.Parallel()
			require.ErrorContains(t, CheckEdges(c.edges), c.says)
		})
	}
}

// Every edge is needed by something that can happen.
func TestWhatCanHappenWithoutAnEdgeDoesNotLoad(t *testing.T) {
	t.Parallel()
	for i, e := range Edges() {
		require.ErrorContains(t, CheckTogether(slices.Delete(Edges(), i, i+1)), string(e.Event), "%v", e)
	}
}

func TestAReplyTableWithAHoleOrAnOverlapDoesNotLoad(t *testing.T) {
	t.Parallel()
	all := ReplyRules()
	require.LessOrEqual(t, len(all), 100)
	require.NoError(t, CheckRules(func(ReplyRule) int { return 1 }))
	for i := range all {
		is := func(r ReplyRule) bool { return slices.Equal(r.When, all[i].When) }
		err := CheckRules(func(r ReplyRule) int { return count(is(r), 2) })
		require.ErrorContains(t, err, "accept the same reply", "rule %d twice", i)
		err = CheckRules(func(r ReplyRule) int { return count(is(r), 0) })
		require.ErrorContains(t, err, "cover", "rule %d taken away", i)
	}
}

func TestAKnownCodeWithoutARuleDoesNotLoad(t *testing.T) {
	t.Parallel()
	for _, code := range replyCodes {
		if code == "none" || code == "other" {
			continue
		}
		dropped := 0
		err := CheckRules(func(r ReplyRule) int {
			names := slices.ContainsFunc(r.When, func(w string) bool {
				list, isCode := strings.CutPrefix(w, "process_code=")
				return isCode && slices.Contains(strings.Split(list, "|"), code)
			})
			dropped += 1 - count(names, 0)
			return count(names, 0)
		})
		require.NotZero(t, dropped, "no rule names %s", code)
		require.ErrorContains(t, err, "cover", code)
	}
}

// count is n for the rule that is meant, else 1.
func count(meant bool, n int) int {
	if meant {
		return n
	}
	return 1
}

func TestEveryEventThatAReplyCanMeanIsInTheTable(t *testing.T) {
	t.Parallel()
	require.NoError(t, CheckTogether(Edges()))
	for _, r := range ReplyRules() {
		require.Contains(t, expectedEdges, r.Event)
		open := r.Event == CaptchaRequested || r.Prompt == PromptResetCaptcha
		require.Equal(t, open, r.Prompt != "", "only captcha_requested and a reset name the kind of prompt")
	}
}
