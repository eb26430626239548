package carrierfsm_test

import (
	"context"
	"go/ast"
	"go/parser"
	gotoken "go/token"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/looplab/fsm"
	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/fsmtest"
)

// The traps of looplab/fsm 1.0.3. Each test first shows the trap where that
// can be done, then that our way of using it does not fall in.

func TestALoopIsNoErrorOfOurs(t *testing.T) {
	t.Parallel()
	bare := fsm.NewFSM("a", fsm.Events{{Name: "again", Src: []string{"a"}, Dst: "a"}}, nil)
	require.ErrorAs(t, bare.Event(context.Background(), "again"), new(fsm.NoTransitionError), "the trap")
	for _, e := range carrierfsm.Edges() {
		if e.From == e.To {
			to, err := carrierfsm.Next(e.From, e.Event)
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
	require.ErrorAs(t, bare.Event(context.Background(), "go"), new(fsm.InTransitionError), "the trap: it is stuck for ever")

	synctest.Test(t, func(t *testing.T) {
		b := fsmtest.New(t)
		v := b.Reach("10002")
		ctx, cancel := context.WithCancel(context.Background())
		b.Upstream.Then(fsmtest.Func(func(context.Context, carrierfsm.Request) (carrierfsm.Reply, error) {
			cancel()
			return carrierfsm.Reply{Success: true, Code: "10004"}, nil
		}))
		if _, err := b.Machine.Submit(ctx, b.ID, captcha(v, "500001")); err != nil {
			require.ErrorIs(t, err, carrierfsm.ErrPending)
		}
		synctest.Wait()
		v = b.Get()
		require.Equal(t, carrierfsm.CaptchaRejected, v.Reason)
		b.Upstream.Then(fsmtest.Code("10008"))
		require.Equal(t, carrierfsm.Done, b.Must(b.Captcha("500002")).State)
	})
}

func TestAnUnknownEventOrStateIsAnErrorAndMovesNothing(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		from  carrierfsm.State
		event carrierfsm.Event
	}{
		{carrierfsm.Created, "moon_rose"},
		{carrierfsm.Created, ""},
		{carrierfsm.Created, carrierfsm.CollectionStarted},
		{"moonrise", carrierfsm.Expired},
		{"", carrierfsm.Erased},
		{carrierfsm.Done, carrierfsm.Canceled},
	} {
		to, err := carrierfsm.Next(c.from, c.event)
		require.ErrorIs(t, err, carrierfsm.ErrNoEdge, "%v", c)
		require.Equal(t, c.from, to)
	}
}

func TestAnErrorLeavesNothingBehindForTheNextStep(t *testing.T) {
	t.Parallel()
	before := carrierfsm.Edges()
	for range 3 {
		for event, row := range expectedEdges {
			for i, from := range carrierfsm.States() {
				_, _ = carrierfsm.Next(from, "moon_rose")
				to, err := carrierfsm.Next(from, event)
				if want, edge := stateLetters[strings.Fields(row)[i]]; edge {
					require.NoError(t, err)
					require.Equal(t, want, to)
				}
			}
		}
	}
	require.Equal(t, before, carrierfsm.Edges())
}

func TestStepsOfManyVerificationsMayBeDecidedAtOnce(t *testing.T) {
	t.Parallel()
	var group sync.WaitGroup
	errs := make(chan error, 16)
	for range cap(errs) {
		group.Go(func() {
			for range 100 {
				for _, e := range carrierfsm.Edges()[:20] {
					if to, err := carrierfsm.Next(e.From, e.Event); err != nil || to != e.To {
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

// A panic, a deadlock, an error with the state changed, a misspelt key: all of
// these need a callback. And the traps stay in one file.
func TestLooplabIsUsedInOneFileAndWithoutCallbacks(t *testing.T) {
	t.Parallel()
	names, err := os.ReadDir(".")
	require.NoError(t, err)
	for _, entry := range names {
		name := entry.Name()
		if !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(gotoken.NewFileSet(), name, nil, parser.SkipObjectResolution)
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
