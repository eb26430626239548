package carrierfsm_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	. "github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/fsmtest"
)

// expectedEdges are the targets of every event, a column a state it finds:
// Created, Applied, awaiting Password, awaiting captcha (K), Done, Failed.
// A dot is no edge. By hand, from the list of events in the design.
var expectedEdges = map[Event]string{
	//                       C A P K D F
	ApplicationAccepted:    "A . . . . .",
	ApplicationRejected:    "C . . . . .",
	SourceUnsupported:      "F . . . . .",
	PasswordRequested:      ". P . . . .",
	PasswordRejected:       ". . P P . .",
	QueryPasswordRequested: ". . P P . .",
	QueryPasswordRejected:  ". . P P . .",
	CaptchaRequested:       ". . K K . .",
	OwnSMSRequested:        ". . K K . .",
	CaptchaRejected:        ". . K K . .",
	CaptchaReissued:        ". . K K . .",
	CaptchaExpired:         ". . . K . .",
	ResetRequired:          ". . P P . .",
	ResetUnsupported:       ". . F F . .",
	ResetCaptchaRequested:  ". . K K . .",
	NewPasswordRejected:    ". . K K . .",
	PasswordReset:          ". . P P . .",
	ResetFailed:            ". . F F . .",
	SourceCollected:        ". . A A . .",
	CollectionStarted:      ". . D D . .",
	VerificationRejected:   ". . F F . .",
	UpstreamUnavailable:    "C . P K . .",
	OutcomeUnknown:         "C . P K . .",
	ReplyUnrecognized:      "C . P K . .",
	ReportReady:            ". . . . D .",
	ReportFailed:           ". . . . D .",
	AttemptsExhausted:      "F . F F . .",
	Expired:                "F F F F . .",
	Canceled:               "F F F F . .",
	Erased:                 "F F F F D F", // what has ended stays what it is
}

var stateLetters = map[string]State{
	"C": Created, "A": Applied, "P": AwaitingPassword, "K": AwaitingCaptcha, "D": Done, "F": Failed,
}

func TestEveryEventLeadsFromEveryStateWhereTheDesignSays(t *testing.T) {
	t.Parallel()
	edges := 0
	for event, row := range expectedEdges {
		targets := strings.Fields(row)
		require.Len(t, targets, len(States()))
		for i, from := range States() {
			got, err := Next(from, event)
			want, edge := stateLetters[targets[i]]
			if !edge {
				require.ErrorIs(t, err, ErrNoEdge, "%s in %s", event, from)
				require.Equal(t, from, got, "without an edge the state stays")
				continue
			}
			edges++
			require.NoError(t, err, "%s in %s", event, from)
			require.Equal(t, want, got, "%s in %s", event, from)
		}
	}
	require.Len(t, Edges(), edges, "the table has an edge that the design has not")
	for _, e := range Edges() {
		require.Contains(t, expectedEdges, e.Event)
	}
}

func TestTheSixStatesAreThoseOfTheDesign(t *testing.T) {
	t.Parallel()
	require.Equal(t, []State{"created", "applied", "awaiting_password", "awaiting_captcha", "done", "failed"}, States())
	for _, s := range States() {
		require.True(t, s.Valid())
		require.Equal(t, s == "done" || s == "failed", s.Terminal())
	}
	for _, s := range []State{"", "Created", "created ", "awaiting_moonrise"} {
		require.False(t, s.Valid())
		require.False(t, s.Terminal())
	}
}

func TestEveryEventThatAReplyCanMeanIsInTheTable(t *testing.T) {
	t.Parallel()
	require.NoError(t, CheckTogether(Edges()))
	for _, r := range ReplyRules() {
		require.Contains(t, expectedEdges, r.Event)
		open := r.Event == CaptchaRequested || r.Prompt == PromptResetCaptcha
		require.Equal(t, open, r.Prompt != "", "only captcha_requested leaves the kind of code open, and a reset has its own")
	}
}

func TestThePicturesShowOneBeginningAndBothEnds(t *testing.T) {
	t.Parallel()
	for _, picture := range []string{Mermaid(), MermaidOutline()} {
		require.Equal(t, 1, strings.Count(picture, "[*] --> "), "looplab's own marks the current state as the initial one")
		require.Contains(t, picture, "[*] --> created\n")
		require.Contains(t, picture, "done --> [*]\n")
		require.Contains(t, picture, "failed --> [*]\n")
	}
	require.Contains(t, Graphviz(), "start -> created;")
	for event := range expectedEdges {
		require.Contains(t, Mermaid(), string(event))
		require.Contains(t, Graphviz(), string(event))
	}
}

func TestLoopsAreStepsOfHistoryToo(t *testing.T) {
	t.Parallel()
	b := fsmtest.New(t)
	v := b.Reach("10002")
	b.Upstream.Then(fsmtest.Code("10004"))
	after := b.Must(b.Captcha("500001"))
	require.Equal(t, v.Step+1, after.Step)
	last := b.History()[v.Step]
	require.Equal(t, AwaitingCaptcha, last.From)
	require.Equal(t, AwaitingCaptcha, last.To)
	require.Equal(t, CaptchaRejected, last.Event)
}
