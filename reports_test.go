package carrierfsm_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/store/memory"
)

// What comes after done: the report is asked for until it is there.

// archive is a Reporter that answers as it is told; then the latest again.
type archive struct {
	mu      sync.Mutex
	answers []any // a ReportState or an error
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
		return carrierfsm.ReportIsReady, ctx.Err()
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

func withReports(a *archive) func(*carrierfsm.Config) {
	return func(c *carrierfsm.Config) { c.Reporter = a }
}

// rarely polls rarely: a test that lets days pass should not take minutes.
func rarely(c *carrierfsm.Config) { c.PollInterval = 30 * time.Second }

const pending, ready, failed = carrierfsm.ReportPending, carrierfsm.ReportIsReady, carrierfsm.ReportHasNone

func TestHandlersHearOfTheReportAndDoneStaysDone(t *testing.T) {
	t.Parallel()
	for answer, want := range map[carrierfsm.ReportState]carrierfsm.Event{
		ready: carrierfsm.ReportReady, failed: carrierfsm.ReportFailed,
	} {
		synctest.Test(t, func(t *testing.T) {
			a := &archive{answers: []any{pending, pending, errors.New("down"), answer}}
			d := new(diary)
			b := newBench(t, withReports(a), withHandler("diary", d.handle))
			stop := running(t, b.Machine)
			defer stop()
			done := b.at("10008")
			require.Equal(t, carrierfsm.Done, done.State)
			pass(time.Hour)
			v := b.get()
			require.Equal(t, carrierfsm.Done, v.State)
			require.Equal(t, want, v.Reason)
			require.Equal(t, done.Step+1, v.Step)
			require.Nil(t, v.Prompt)
			require.Equal(t, []carrierfsm.Event{carrierfsm.CollectionStarted, want}, b.latest(2))
			require.Contains(t, d.got(), "v1/4", "the handler is told")
			require.Equal(t, map[string]int{token: 4}, a.tokens)
			at := a.times()
			require.Len(t, at, 4, "and then nobody asks any more")
			for i, interval := range []time.Duration{time.Minute, 2 * time.Minute} {
				require.InDelta(t, interval, at[i+2].Sub(at[i+1]), float64(2*time.Second))
			}
			r, err := b.store.Load(context.Background(), b.id)
			require.NoError(t, err)
			require.True(t, r.Due.IsZero())
			require.Equal(t, 2, r.Table)
		})
	}
}

func TestIntervalsBetweenQuestionsAreBoundedAndSoIsTheWait(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a := &archive{answers: []any{pending}}
		b := newBench(t, withReports(a), rarely)
		stop := running(t, b.Machine)
		defer stop()
		b.at("10008")
		pass(48 * time.Hour)
		require.Equal(t, carrierfsm.ReportFailed, b.get().Reason, "a day is enough")
		at := a.times()
		require.InDelta(t, 24*6, len(at), 12)
		require.InDelta(t, 10*time.Minute, at[len(at)-1].Sub(at[len(at)-2]), float64(31*time.Second))
	})
}

func TestErrorsAloneNeverMeanThatAReportFailed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a := &archive{answers: []any{errors.New("down")}}
		b := newBench(t, withReports(a), rarely)
		stop := running(t, b.Machine)
		defer stop()
		b.at("10008")
		pass(25 * time.Hour)
		day := len(a.times())
		pass(5 * time.Hour)
		require.LessOrEqual(t, len(a.times())-day, 1, "after a day it is asked for rarely")
		require.Equal(t, carrierfsm.CollectionStarted, b.get().Reason)
		a.mu.Lock()
		a.answers = []any{ready}
		a.mu.Unlock()
		pass(7 * time.Hour)
		require.Equal(t, carrierfsm.ReportReady, b.get().Reason)
	})
}

func TestOneReplicaAsksForAReport(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a := &archive{answers: []any{20 * time.Second}}
		b := newBench(t, withReports(a))
		for range 3 {
			stop := running(t, b.another())
			defer stop()
		}
		b.at("10008")
		pass(10 * time.Minute)
		require.Len(t, a.times(), 1)
		require.Equal(t, carrierfsm.ReportReady, b.get().Reason)
	})
}

func TestSlowReportsHoldNobodyUp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx := context.Background()
		a := &archive{answers: []any{time.Hour}} // until its time is over
		b := newBench(t, withReports(a))
		for range 20 {
			v, err := b.Create(ctx, carrierfsm.NewVerification{})
			require.NoError(t, err)
			v, err = b.Submit(ctx, v.ID, application(0))
			require.NoError(t, err)
			b.up.then(reply("10008"))
			_, err = b.Submit(ctx, v.ID, carrierfsm.Password{Step: v.Step, Password: carrierfsm.NewSecret("246810")})
			require.NoError(t, err)
		}
		stop := running(t, b.Machine)
		defer stop()
		b.at("10002")
		pass(5*time.Minute + time.Second)
		r, err := b.store.Load(ctx, b.id)
		require.NoError(t, err)
		require.Equal(t, carrierfsm.CaptchaExpired, r.Reason, "the clock goes on")
	})
}

func TestAReportThatComesAfterEraseIsDropped(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a := &archive{answers: []any{20 * time.Second}}
		b := newBench(t, withReports(a))
		stop := running(t, b.Machine)
		defer stop()
		b.at("10008")
		pass(40 * time.Second)
		require.Len(t, a.times(), 1)
		require.NoError(t, b.Erase(context.Background(), b.id))
		pass(time.Hour)
		require.Equal(t, carrierfsm.Erased, b.get().Reason)
		require.Len(t, a.times(), 1)
	})
}

func TestWithoutAReporterWhatIsDoneIsNeverDue(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.at("10008")
	r, err := b.store.Load(context.Background(), b.id)
	require.NoError(t, err)
	require.True(t, r.Due.IsZero())
}

func TestAReportThatCantBeAskedForIsWarnedOf(t *testing.T) {
	t.Parallel()
	for answer, want := range map[any]int{errors.New("down"): 1, pending: 0} {
		now := time.Now()
		var said bytes.Buffer
		b := newBench(t, withReports(&archive{answers: []any{answer}}), func(c *carrierfsm.Config) {
			c.Now, c.Logger = func() time.Time { return now }, slog.New(slog.NewTextHandler(&said, nil))
		})
		b.at("10008")
		now = now.Add(time.Minute)
		_, err := b.Settle(context.Background())
		require.NoError(t, err)
		require.Equal(t, want, strings.Count(said.String(), "a report can't be asked for yet"))
	}
}

// While one replica may still be waiting for an answer, no other asks.
func TestWhoAsksForAReportHasLongerThanAnAnswerMayTake(t *testing.T) {
	t.Parallel()
	now := time.Now()
	b := newBench(t, withReports(&archive{answers: []any{pending}}), func(c *carrierfsm.Config) {
		c.Now, c.Limits.ReportMin = func() time.Time { return now }, time.Second
	})
	b.at("10008")
	now = now.Add(time.Minute)
	_, err := b.Settle(context.Background())
	require.NoError(t, err)
	r, err := b.store.Load(context.Background(), b.id)
	require.NoError(t, err)
	require.WithinDuration(t, now.Add(31*time.Second), r.Due, time.Millisecond)
}

// A replica that was started without a Reporter must not end what others wait
// for, nor find it due again and again.
func TestAMachineWithoutAReporterLeavesReportsToOthers(t *testing.T) {
	t.Parallel()
	now := time.Now()
	a := &archive{answers: []any{ready}}
	b := newBench(t, withReports(a), func(c *carrierfsm.Config) { c.Now = func() time.Time { return now } })
	b.at("10008")
	other := b.another(func(c *carrierfsm.Config) { c.Reporter = nil })
	due := func() time.Time {
		r, err := b.store.Load(context.Background(), b.id)
		require.NoError(t, err)
		return r.Due
	}
	now = now.Add(time.Minute)
	n, err := other.Settle(context.Background())
	require.NoError(t, err)
	require.Equal(t, 1, n)
	require.WithinDuration(t, now.Add(10*time.Minute), due(), time.Second)
	n, err = other.Settle(context.Background())
	require.NoError(t, err)
	require.Zero(t, n, "it is not due again at once")
	now = now.Add(10 * time.Minute)
	_, err = b.Settle(context.Background())
	require.NoError(t, err)
	require.Equal(t, carrierfsm.ReportReady, b.get().Reason)
}

func TestWithoutAnyReporterTheWaitEndsQuietly(t *testing.T) {
	t.Parallel()
	now := time.Now()
	b := newBench(t, withReports(&archive{answers: []any{ready}}), func(c *carrierfsm.Config) { c.Now = func() time.Time { return now } })
	done := b.at("10008")
	now = now.Add(25 * time.Hour)
	_, err := b.another(func(c *carrierfsm.Config) { c.Reporter = nil }).Settle(context.Background())
	require.NoError(t, err)
	r, err := b.store.Load(context.Background(), b.id)
	require.NoError(t, err)
	require.True(t, r.Due.IsZero())
	require.Equal(t, done.Step, b.get().Step)
	require.Equal(t, carrierfsm.CollectionStarted, b.get().Reason)
}

func TestAReportThatNeverComesKeepsNothingFromBeingPurged(t *testing.T) {
	t.Parallel()
	now := time.Now()
	b := newBench(t, withReports(&archive{answers: []any{errors.New("down")}}), func(c *carrierfsm.Config) { c.Now = func() time.Time { return now } })
	done := b.at("10008")
	for range 20 {
		now = now.Add(6 * time.Hour)
		_, err := b.Settle(context.Background())
		require.NoError(t, err)
	}
	require.Equal(t, done.Updated, b.get().Updated, "asking changes nothing")
	n, err := b.Purge(context.Background(), now.Add(-4*24*time.Hour))
	require.NoError(t, err)
	require.Equal(t, 1, n)
}

func TestSettleWaitsForTheReportsItAsksFor(t *testing.T) {
	t.Parallel()
	now := time.Now()
	a := &archive{answers: []any{ready}}
	b := newBench(t, withReports(a), func(c *carrierfsm.Config) { c.Now = func() time.Time { return now } })
	b.at("10008")
	now = now.Add(30 * time.Second)
	_, err := b.Settle(context.Background())
	require.NoError(t, err)
	require.Equal(t, carrierfsm.ReportReady, b.get().Reason)
}

// checking is an upstream that knows some forms to be in vain.
type checking struct {
	*player
	err error
}

func (c checking) Check(context.Context, carrierfsm.Form) error { return c.err }

func TestAFormThatIsInVainIsNotSentAndSpendsNothing(t *testing.T) {
	t.Parallel()
	offline := errors.New("this operator is offline")
	b := newBench(t, func(c *carrierfsm.Config) {
		c.Store, c.Upstream = memory.New(), checking{&player{arrivals: make(map[string]int)}, offline}
	})
	told, err := b.Submit(context.Background(), b.id, application(0))
	require.ErrorIs(t, err, offline)
	v := b.get()
	require.Equal(t, v, told, "the person can be asked again")
	require.Equal(t, carrierfsm.Created, v.State)
	require.Equal(t, 3, v.Prompt.AttemptsLeft)
	require.Empty(t, b.events())
}
