package carrierfsm_test

import (
	"context"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/looplab/fsm"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	. "github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/fsmtest"
)

// expectedEdges are the targets of every event, a column for each state from which it
// leads: Created, Applied, awaiting Password, awaiting captcha (K), Done, Failed. A dot
// is no edge. They are written by hand, from the design.
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
	Erased:                 "F F F F D F", // an ended verification keeps its state
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
	require.Len(t, Edges(), edges, "the table has an edge that the design does not have")
	for _, e := range Edges() {
		require.Contains(t, expectedEdges, e.Event)
	}
}

func TestTheSixStatesAreThoseOfTheDesign(t *testing.T) {
	t.Parallel()
	require.Equal(t, []State{"created", "applied", "awaiting_password", "awaiting_captcha", "done", "failed"}, States())
	for _, s := range States() {
		require.True(t, s.Known())
		require.Equal(t, s == "done" || s == "failed", s.Terminal())
	}
	for _, s := range []State{"", "Created", "created ", "awaiting_moonrise"} {
		require.False(t, s.Known())
		require.False(t, s.Terminal())
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

// The traps of looplab/fsm 1.0.3. Where possible, a test first shows the trap, then
// that the library avoids it.

func TestALoopIsNoErrorOfOurs(t *testing.T) {
	t.Parallel()
	bare := fsm.NewFSM("a", fsm.Events{{Name: "again", Src: []string{"a"}, Dst: "a"}}, nil)
	require.ErrorAs(t, bare.Event(context.Background(), "again"), new(fsm.NoTransitionError), "the trap")
	for _, e := range Edges() {
		if e.From == e.To {
			to, err := Next(e.From, e.Event)
			require.NoError(t, err, "%v", e)
			require.Equal(t, e.To, to)
		}
	}
}

func TestACancelledContextLeavesNoVerificationInTransition(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(context.Background())
	events := fsm.Events{{Name: "go", Src: []string{"a"}, Dst: "b"}, {Name: "back", Src: []string{"b"}, Dst: "a"}}
	bare := fsm.NewFSM("a", events, fsm.Callbacks{"leave_a": func(context.Context, *fsm.Event) { cancel() }})
	require.Error(t, bare.Event(ctx, "go"))
	require.ErrorAs(t, bare.Event(context.Background(), "go"), new(fsm.InTransitionError), "the trap: it stays in transition")

	synctest.Test(t, func(t *testing.T) {
		b := fsmtest.New(t)
		v := b.Reach("10002")
		ctx, cancel := context.WithCancel(context.Background())
		b.Upstream.Then(fsmtest.Func(func(context.Context, Request) (Reply, error) {
			cancel()
			return Reply{Success: true, Code: "10004"}, nil
		}))
		if _, err := b.Machine.Submit(ctx, b.ID, captcha(v, "500001")); err != nil {
			require.ErrorIs(t, err, ErrPending)
		}
		synctest.Wait()
		v = b.Get()
		require.Equal(t, CaptchaRejected, v.Reason)
		b.Upstream.Then(fsmtest.Code("10008"))
		require.Equal(t, Done, b.Must(b.Captcha("500002")).State)
	})
}

func TestAnUnknownEventOrStateIsAnErrorAndMovesNothing(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		from  State
		event Event
	}{
		{Created, "moon_rose"},
		{Created, ""},
		{Created, CollectionStarted},
		{"moonrise", Expired},
		{"", Erased},
		{Done, Canceled},
	} {
		to, err := Next(c.from, c.event)
		require.ErrorIs(t, err, ErrNoEdge, "%v", c)
		require.Equal(t, c.from, to)
	}
}

func TestAnErrorLeavesNothingBehindForTheNextStep(t *testing.T) {
	t.Parallel()
	before := Edges()
	for range 3 {
		for event, row := range expectedEdges {
			for i, from := range States() {
				_, _ = Next(from, "moon_rose")
				to, err := Next(from, event)
				if want, edge := stateLetters[strings.Fields(row)[i]]; edge {
					require.NoError(t, err)
					require.Equal(t, want, to)
				}
			}
		}
	}
	require.Equal(t, before, Edges())
}

func TestStepsOfManyVerificationsMayBeDecidedAtOnce(t *testing.T) {
	t.Parallel()
	var group sync.WaitGroup
	errs := make(chan error, 16)
	for range cap(errs) {
		group.Go(func() {
			for range 100 {
				for _, e := range Edges()[:20] {
					if to, err := Next(e.From, e.Event); err != nil || to != e.To {
						errs <- err
						return
					}
				}
			}
		})
	}
	group.Wait()
	require.Empty(t, errs)
}

// A panic, a deadlock, an error after the state has changed, a misspelt key: all these
// traps need a callback.
func TestLooplabIsUsedInOneFileAndWithoutCallbacks(t *testing.T) {
	t.Parallel()
	names, err := os.ReadDir(".")
	require.NoError(t, err)
	for _, entry := range names {
		name := entry.Name()
		if !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
		require.NoError(t, err)
		for _, i := range file.Imports {
			require.True(t, i.Path.Value != `"github.com/looplab/fsm"` || name == "transitions.go", name)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok {
				return true
			}
			if f, ok := call.Fun.(*ast.SelectorExpr); ok && f.Sel.Name == "NewFSM" {
				last, ok := call.Args[len(call.Args)-1].(*ast.Ident)
				require.True(t, ok && last.Name == "nil", "NewFSM has callbacks in %s", name)
			}
			return true
		})
	}
}

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

func TestExactlyOneTransitionOfAVerificationEndsIt(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		state, ended := Created, 0
		for range rapid.IntRange(0, 30).Draw(t, "steps") {
			var edges []Edge
			for _, e := range Edges() {
				if e.From == state {
					edges = append(edges, e)
				}
			}
			e := rapid.SampledFrom(edges).Draw(t, "edge")
			if (Transition{From: e.From, Event: e.Event, To: e.To}).Ended() {
				ended++
			}
			state = e.To
		}
		if state.Terminal() {
			require.Equal(t, 1, ended)
		} else {
			require.Zero(t, ended)
		}
	})
}
