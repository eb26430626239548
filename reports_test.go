package carrierfsm_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"math"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/fsmtest"
)

// archive is a Reporter that gives these answers, and the last one again and again.
type archive struct {
	mu      sync.Mutex
	answers []any // a ReportState, an error, or how long it takes until the report is ready
	asked   []time.Time
	tokens  map[string]int
}

func (a *archive) ReportState(ctx context.Context, s carrierfsm.Secret) (carrierfsm.ReportState, error) {
	switch answer := a.next(s).(type) {
	case carrierfsm.ReportState:
		return answer, nil
	case time.Duration:
		select {
		case <-ctx.Done():
		case <-time.After(answer):
		}
		return carrierfsm.ReportStateReady, ctx.Err()
	case func():
		answer()
		return "", nil
	default:
		return "", errors.New("upstream is down")
	}
}

func (a *archive) next(s carrierfsm.Secret) any {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.asked = append(a.asked, time.Now())
	if a.tokens == nil {
		a.tokens = make(map[string]int)
	}
	s.Use(func(value []byte) { a.tokens[string(value)]++ })
	answer := a.answers[0]
	if len(a.answers) > 1 {
		a.answers = a.answers[1:]
	}
	return answer
}

func (a *archive) times() []time.Time {
	a.mu.Lock()
	defer a.mu.Unlock()
	return append([]time.Time(nil), a.asked...)
}

// watched is a Bench in the time of a synctest bubble with this Reporter.
func watched(t *testing.T, a *archive, change ...func(*carrierfsm.Config)) *fsmtest.Bench {
	t.Helper()
	cfg := carrierfsm.Config{Now: time.Now, Reporter: a}
	for _, f := range change {
		f(&cfg)
	}
	return fsmtest.NewWith(t, cfg)
}

// rarely polls rarely, for tests in which days pass.
func rarely(c *carrierfsm.Config) { c.PollInterval = 30 * time.Second }

const pending, ready, failed = carrierfsm.ReportStatePending, carrierfsm.ReportStateReady, carrierfsm.ReportStateFailed

func TestTheReportIsATransitionAndDoneStaysDone(t *testing.T) {
	t.Parallel()
	for answer, want := range map[carrierfsm.ReportState]carrierfsm.Event{
		ready: carrierfsm.ReportReady, failed: carrierfsm.ReportFailed,
	} {
		synctest.Test(t, func(t *testing.T) {
			a := &archive{answers: []any{pending, pending, errors.New("down"), answer}}
			b := watched(t, a)
			stop := running(t, b.Machine)
			defer stop()
			done := b.Reach("10008")
			require.Equal(t, carrierfsm.Done, done.State)
			pass(time.Hour)
			v := b.Get()
			require.Equal(t, carrierfsm.Done, v.State)
			require.Equal(t, want, v.Reason)
			require.Equal(t, done.Step+1, v.Step)
			require.Nil(t, v.Prompt)
			require.Equal(t, []carrierfsm.Event{carrierfsm.CollectionStarted, want}, latest(b, 2))
			require.Equal(t, map[string]int{fsmtest.Token: 4}, a.tokens)
			at := a.times()
			require.Len(t, at, 4, "then it is not asked for again")
			for i, interval := range []time.Duration{time.Minute, 2 * time.Minute} {
				require.InDelta(t, interval, at[i+2].Sub(at[i+1]), float64(2*time.Second))
			}
			require.True(t, b.Record().Due.IsZero())
			require.Equal(t, 2, b.Record().Table)
		})
	}
}

func TestReportsAreAskedForOnceTheStoreIsBack(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var tokens []carrierfsm.Secret
		var mu sync.Mutex
		var isDown bool
		b := fsmtest.NewWith(t, carrierfsm.Config{Now: time.Now, Reporter: reporterFunc(func(token carrierfsm.Secret) carrierfsm.ReportState {
			tokens = append(tokens, token)
			return ready
		})})
		b.Reach("10008")
		isDown = true
		m := committing(b, func(commit func() error) error {
			mu.Lock()
			defer mu.Unlock()
			if isDown {
				return errors.New("the disk is full")
			}
			return commit()
		})
		stop := running(t, m.Machine)
		defer stop()
		pass(time.Hour) // more claims fail than reports may be under way at once
		require.Empty(t, tokens)
		mu.Lock()
		isDown = false
		mu.Unlock()
		pass(time.Minute)
		require.Equal(t, carrierfsm.ReportReady, b.Get().Reason)
		require.Len(t, tokens, 1)
		require.True(t, tokens[0].Empty(), "the token is destroyed after the question")
	})
}

// reporterFunc is a Reporter that is a function.
type reporterFunc func(token carrierfsm.Secret) carrierfsm.ReportState

func (f reporterFunc) ReportState(_ context.Context, token carrierfsm.Secret) (carrierfsm.ReportState, error) {
	return f(token), nil
}

func TestIntervalsBetweenQuestionsAreBoundedAndSoIsTheWait(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a := &archive{answers: []any{pending}}
		b := watched(t, a, rarely)
		stop := running(t, b.Machine)
		defer stop()
		b.Reach("10008")
		pass(48 * time.Hour)
		require.Equal(t, carrierfsm.ReportFailed, b.Get().Reason, "a day is enough")
		at := a.times()
		require.InDelta(t, 24*6, len(at), 12)
		require.InDelta(t, 10*time.Minute, at[len(at)-1].Sub(at[len(at)-2]), float64(31*time.Second))
	})
}

func TestErrorsAloneNeverMeanThatAReportFailed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a := &archive{answers: []any{errors.New("down")}}
		b := watched(t, a, rarely)
		stop := running(t, b.Machine)
		defer stop()
		b.Reach("10008")
		pass(25 * time.Hour)
		day := len(a.times())
		pass(5 * time.Hour)
		require.LessOrEqual(t, len(a.times())-day, 1, "after a day it is asked for rarely")
		require.Equal(t, carrierfsm.CollectionStarted, b.Get().Reason)
		a.mu.Lock()
		a.answers = []any{ready}
		a.mu.Unlock()
		pass(7 * time.Hour)
		require.Equal(t, carrierfsm.ReportReady, b.Get().Reason)
	})
}

func TestOneReplicaAsksForAReport(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a := &archive{answers: []any{20 * time.Second}}
		b := watched(t, a)
		for range 3 {
			stop := running(t, b.Replica().Machine)
			defer stop()
		}
		b.Reach("10008")
		pass(10 * time.Minute)
		require.Len(t, a.times(), 1)
		require.Equal(t, carrierfsm.ReportReady, b.Get().Reason)
	})
}

func TestSlowReportsDelayNoTimers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a := &archive{answers: []any{time.Hour}} // until the context ends
		b := watched(t, a)
		for range 20 {
			b.Create(carrierfsm.NewVerification{}).Reach("10008")
		}
		stop := running(t, b.Machine)
		defer stop()
		b.Reach("10002")
		pass(5*time.Minute + time.Second)
		require.Equal(t, carrierfsm.CaptchaExpired, b.Record().Reason, "timers go on")
	})
}

func TestAReportThatComesAfterEraseIsDropped(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a := &archive{answers: []any{20 * time.Second}}
		b := watched(t, a)
		stop := running(t, b.Machine)
		defer stop()
		b.Reach("10008")
		pass(40 * time.Second)
		require.Len(t, a.times(), 1)
		require.NoError(t, b.Machine.Erase(context.Background(), b.ID))
		pass(time.Hour)
		require.Equal(t, carrierfsm.Erased, b.Get().Reason)
		require.Len(t, a.times(), 1)
	})
}

func TestWithoutAReporterWhatIsDoneIsNeverDue(t *testing.T) {
	t.Parallel()
	b := fsmtest.New(t)
	b.Reach("10008")
	require.True(t, b.Record().Due.IsZero())
}

func TestAReportThatCantBeAskedForIsLogged(t *testing.T) {
	t.Parallel()
	for answer, want := range map[any]int{errors.New("down"): 1, pending: 0} {
		var log bytes.Buffer
		b := fsmtest.NewWith(t, carrierfsm.Config{
			Reporter: &archive{answers: []any{answer}}, Logger: slog.New(slog.NewTextHandler(&log, nil)),
		})
		b.Reach("10008")
		b.Clock.Advance(time.Minute)
		b.Settle()
		require.Equal(t, want, strings.Count(log.String(), "a report can't be asked for yet"))
	}
}

// While one replica may wait for an answer, no other one asks.
func TestAReportIsDueAgainOnlyAfterAnAnswerMayTake(t *testing.T) {
	t.Parallel()
	b := fsmtest.NewWith(t, carrierfsm.Config{
		Reporter: &archive{answers: []any{pending}}, Limits: carrierfsm.Limits{ReportMin: time.Second},
	})
	b.Reach("10008")
	b.Clock.Advance(time.Minute)
	b.Settle()
	require.WithinDuration(t, b.Clock.Now().Add(31*time.Second), b.Record().Due, time.Millisecond)
}

// Doubling the longest interval must not lead to a short one.
func TestTheLongestReportIntervalIsNotShort(t *testing.T) {
	t.Parallel()
	const long = time.Duration(math.MaxInt64/2 + 1)
	b := fsmtest.NewWith(t, carrierfsm.Config{
		Reporter: &archive{answers: []any{pending}}, Limits: carrierfsm.Limits{ReportMin: long, ReportMax: math.MaxInt64, ReportLife: math.MaxInt64},
	})
	b.Reach("10008")
	for range 2 {
		before := b.Record().Due
		b.Clock.Advance(before.Sub(b.Clock.Now()))
		b.Settle()
		require.Greater(t, b.Record().Due.Sub(b.Clock.Now()), long-time.Hour)
	}
}

// A replica without a Reporter must not end what other replicas wait for, and must not
// find it due again at once.
func TestAMachineWithoutAReporterLeavesReportsToOthers(t *testing.T) {
	t.Parallel()
	a := &archive{answers: []any{ready}}
	b := fsmtest.NewWith(t, carrierfsm.Config{Reporter: a})
	b.Reach("10008")
	other := b.Replica(func(c *carrierfsm.Config) { c.Reporter = nil })
	b.Clock.Advance(time.Minute)
	n, err := other.Machine.Settle(context.Background())
	require.NoError(t, err)
	require.Equal(t, 1, n)
	require.WithinDuration(t, b.Clock.Now().Add(10*time.Minute), b.Record().Due, time.Second)
	n, err = other.Machine.Settle(context.Background())
	require.NoError(t, err)
	require.Zero(t, n, "it is not due again at once")
	b.Clock.Advance(10 * time.Minute)
	b.Settle()
	require.Equal(t, carrierfsm.ReportReady, b.Get().Reason)
}

func TestWithoutAnyReporterTheWaitEndsQuietly(t *testing.T) {
	t.Parallel()
	b := fsmtest.NewWith(t, carrierfsm.Config{Reporter: &archive{answers: []any{ready}}})
	done := b.Reach("10008")
	b.Clock.Advance(25 * time.Hour)
	b.Replica(func(c *carrierfsm.Config) { c.Reporter = nil }).Settle()
	require.True(t, b.Record().Due.IsZero())
	require.Equal(t, done.Step, b.Get().Step)
	require.Equal(t, carrierfsm.CollectionStarted, b.Get().Reason)
}

func TestAReportThatNeverComesKeepsNothingFromBeingPurged(t *testing.T) {
	t.Parallel()
	b := fsmtest.NewWith(t, carrierfsm.Config{Reporter: &archive{answers: []any{errors.New("down")}}})
	done := b.Reach("10008")
	for range 20 {
		b.Clock.Advance(6 * time.Hour)
		b.Settle()
	}
	require.Equal(t, done.Updated, b.Get().Updated, "a question changes nothing")
	n, _, err := b.Machine.Purge(context.Background(), b.Clock.Now().Add(-4*24*time.Hour))
	require.NoError(t, err)
	require.Equal(t, 1, n)
}

func TestSettleWaitsForTheReportsItAsksFor(t *testing.T) {
	t.Parallel()
	a := &archive{answers: []any{ready}}
	b := fsmtest.NewWith(t, carrierfsm.Config{Reporter: a})
	b.Reach("10008")
	b.Clock.Advance(30 * time.Second)
	b.Settle()
	require.Equal(t, carrierfsm.ReportReady, b.Get().Reason)
}

// A Reporter that panics, or ends its goroutine, is asked again.
func TestAReporterThatDoesNotReturnIsAskedAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a := &archive{answers: []any{func() { panic("reporter") }, runtime.Goexit, ready}}
		b := watched(t, a)
		b.Reach("10008")
		stop := running(t, b.Machine)
		pass(5 * time.Minute)
		stop()
		require.Equal(t, carrierfsm.ReportReady, b.Get().Reason)
		require.Len(t, a.times(), 3)
	})
}
