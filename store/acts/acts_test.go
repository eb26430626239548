package acts_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/store/acts"
	"github.com/carrierfsm/carrierfsm/store/memory"
)

func ann() context.Context { return carrierfsm.ByOperator(context.Background(), "ann") }

func cancelOf(id string) acts.Act {
	return acts.Act{Kind: acts.Cancel, Verification: id, Count: 1, Reason: "asked for"}
}

// logged returns the acts of a store without their ids and times.
func logged(t *testing.T, s *memory.Store) []acts.Act {
	t.Helper()
	list, err := s.Acts(context.Background(), acts.Query{})
	require.NoError(t, err)
	for i := range list {
		require.NotEmpty(t, list[i].ID)
		require.False(t, list[i].At.IsZero())
		require.Equal(t, list[i].Outcome == "", list[i].Ended.IsZero())
		list[i].ID, list[i].At, list[i].Ended = "", time.Time{}, time.Time{}
	}
	return list
}

// broken is a log that fails.
type broken struct {
	*memory.Store
	log, end error
}

func (s broken) LogAct(ctx context.Context, a acts.Act) error {
	if s.log != nil {
		return s.log
	}
	return s.Store.LogAct(ctx, a)
}

func (s broken) EndAct(ctx context.Context, id string, o acts.Outcome, n int) error {
	if s.end != nil {
		return s.end
	}
	return s.Store.EndAct(ctx, id, o, n)
}

func TestAnActIsLoggedBeforeItIsDoneAndItsOutcomeAfter(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		err     error
		outcome acts.Outcome
	}{
		"done":            {nil, acts.Done},
		"pending":         {&carrierfsm.Error{Err: carrierfsm.ErrPending}, acts.Pending},
		"it has ended":    {fmt.Errorf("x: %w", carrierfsm.ErrNotAwaited), acts.Refused},
		"the store fails": {carrierfsm.ErrStore, acts.Failed},
		"its own error":   {errors.New("boom"), acts.Failed},
	} {
		s := memory.New()
		want := acts.Act{Operator: "ann", Kind: acts.Cancel, Verification: "v1", Count: 1, Reason: "asked for"}
		err := acts.Do(ann(), s, cancelOf("v1"), func(context.Context) (int, error) {
			require.Empty(t, cmp.Diff([]acts.Act{want}, logged(t, s)), "a crash here leaves a trace")
			return 3, c.err
		})
		require.Equal(t, c.err, err, name)
		want.Outcome, want.Count = c.outcome, 3
		require.Empty(t, cmp.Diff([]acts.Act{want}, logged(t, s)), name)
	}
}

func TestWhatCantBeLoggedIsNotDone(t *testing.T) {
	t.Parallel()
	never := func(context.Context) (int, error) { panic("it was done") }
	err := acts.Do(ann(), broken{Store: memory.New(), log: errors.New("the disk is full")}, cancelOf("v1"), never)
	require.ErrorIs(t, err, acts.ErrNotLogged)
	require.ErrorIs(t, err, carrierfsm.ErrStore)
	closed := memory.New()
	require.NoError(t, closed.Close())
	require.ErrorIs(t, acts.Do(ann(), closed, cancelOf("v1"), never), carrierfsm.ErrClosed)
	over, cancel := context.WithCancel(ann())
	cancel()
	require.ErrorIs(t, acts.Do(over, memory.New(), cancelOf("v1"), never), context.Canceled)
	for name, reason := range map[string]string{"no reason": "", "a blank one": " \n\u200b"} {
		act := cancelOf("v1")
		act.Reason = reason
		require.ErrorIs(t, acts.Do(ann(), memory.New(), act, never), carrierfsm.ErrInvalid, name)
		require.ErrorIs(t, acts.Do(ann(), nil, act, never), carrierfsm.ErrInvalid, name+", without a log")
	}
	for _, name := range []string{"", "李 伟"} {
		ctx := carrierfsm.ByOperator(context.Background(), name)
		require.ErrorIs(t, acts.Do(ctx, memory.New(), cancelOf("v1"), never), carrierfsm.ErrInvalid)
		require.ErrorIs(t, acts.Look(ctx, memory.New(), acts.Act{Kind: acts.Show}), carrierfsm.ErrInvalid)
	}
	require.ErrorIs(t, acts.Do(context.Background(), memory.New(), cancelOf("v1"), never), carrierfsm.ErrInvalid, "without a name")
}

func TestAnOutcomeThatCantBeLoggedIsTold(t *testing.T) {
	t.Parallel()
	s, done := broken{Store: memory.New(), end: errors.New("the disk is full")}, false
	err := acts.Do(ann(), s, cancelOf("v1"), func(context.Context) (int, error) { done = true; return 1, carrierfsm.ErrConflict })
	require.True(t, done)
	require.ErrorIs(t, err, acts.ErrOutcomeNotLogged)
	require.ErrorIs(t, err, carrierfsm.ErrConflict, "what came of it")
	require.Empty(t, logged(t, s.Store)[0].Outcome)
	require.NotErrorIs(t, acts.Do(ann(), nil, cancelOf("v1"), func(context.Context) (int, error) { return 1, nil }), acts.ErrOutcomeNotLogged)
}

func TestTheOutcomeIsLoggedAlsoAfterTheEndOfTheContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(ann())
	s := memory.New()
	err := acts.Do(ctx, s, cancelOf("v1"), func(ctx context.Context) (int, error) {
		cancel()
		return 0, ctx.Err()
	})
	require.ErrorIs(t, err, context.Canceled)
	require.Equal(t, acts.Failed, logged(t, s)[0].Outcome)
}

func TestALookIsOneRowWithItsOutcome(t *testing.T) {
	t.Parallel()
	s := memory.New()
	require.NoError(t, acts.Look(ann(), s, acts.Act{Kind: acts.Show, Verification: "v1", Count: 1}))
	require.Empty(t, cmp.Diff([]acts.Act{{Operator: "ann", Kind: acts.Show, Verification: "v1", Count: 1, Outcome: acts.Done}}, logged(t, s)))
	require.NoError(t, acts.Look(ann(), nil, acts.Act{Kind: acts.Show}), "without a log")
	require.ErrorIs(t, acts.Look(ann(), broken{Store: s, log: errors.New("down")}, acts.Act{Kind: acts.Show}), carrierfsm.ErrStore)
}

// A reason is an operator's own text, in which a number may be.
func TestAReasonIsShortAndWithoutNumbers(t *testing.T) {
	t.Parallel()
	for given, want := range map[string]string{
		"  called from 138 0013 8000 \n": "called from ****",
		"他的号码是 13800138000":              "他的号码是 ****",
		"ticket SUP-17":                  "ticket SUP-17",
		"two\nlines\x1b[31m":             "two lines[31m",
	} {
		s := memory.New()
		act := cancelOf("v1")
		act.Reason = given
		require.NoError(t, acts.Do(ann(), s, act, func(context.Context) (int, error) { return 1, nil }))
		require.Equal(t, want, logged(t, s)[0].Reason)
	}
	s := memory.New()
	act := cancelOf("v1")
	act.Reason = strings.Repeat("因为", 1000)
	require.NoError(t, acts.Do(ann(), s, act, func(context.Context) (int, error) { return 1, nil }))
	require.Greater(t, len(logged(t, s)[0].Reason), acts.MaxReason-4)
}

func TestPurgeBeforeGoesOnUntilNothingIsLeft(t *testing.T) {
	t.Parallel()
	s := memory.New()
	for range 1203 {
		require.NoError(t, acts.Look(ann(), s, acts.Act{Kind: acts.List}))
	}
	n, err := acts.PurgeBefore(ann(), s, time.Now().Add(-time.Hour))
	require.NoError(t, err)
	require.Zero(t, n)
	n, err = acts.PurgeBefore(ann(), s, time.Now().Add(time.Hour))
	require.NoError(t, err)
	require.Equal(t, 1203, n)
	require.NoError(t, s.Close())
	_, err = acts.PurgeBefore(ann(), s, time.Now())
	require.ErrorIs(t, err, carrierfsm.ErrClosed)
}

// Each kind is one of the two lists.
func TestEachKindOfActLooksOrChanges(t *testing.T) {
	t.Parallel()
	require.Empty(t, cmp.Diff([]acts.Kind{"show", "list", "find", "export"}, acts.Looking()))
	for _, k := range acts.Changing() {
		require.NotContains(t, acts.Looking(), k)
	}
	require.Empty(t, cmp.Diff([]acts.Kind{"cancel", "expire", "erase", "replay", "reseal", "purge", "purge_acts", "after_restore"}, acts.Changing(), cmpopts.EquateEmpty()))
}
