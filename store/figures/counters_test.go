package figures_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/fsmtest"
	"github.com/carrierfsm/carrierfsm/outbox"
	"github.com/carrierfsm/carrierfsm/store/figures"
	"github.com/carrierfsm/carrierfsm/store/memory"
)

// far is a time after all that tests use.
var far = time.Date(2200, 1, 1, 0, 0, 0, 0, time.UTC)

// counting is a bench with counters.
type counting struct {
	*fsmtest.Bench
	t        *testing.T
	counters *figures.Counters
	all      *outbox.Dispatcher
}

func newCounting(t *testing.T, answers ...fsmtest.Answer) *counting {
	t.Helper()
	b := fsmtest.New(t, answers...)
	store, _ := b.Store.(figures.Store)
	c, err := figures.New(figures.Config{Store: store, Now: b.Clock.Now})
	require.NoError(t, err)
	return &counting{b, t, c, b.Dispatcher(outbox.Config{Projections: []outbox.Projection{c}})}
}

// deliver counts what is pending.
func (c *counting) deliver() {
	c.t.Helper()
	_, err := c.all.Deliver(context.Background())
	require.NoError(c.t, err)
}

// rows returns all rows of a period.
func (c *counting) rows(period time.Duration) []figures.Row {
	c.t.Helper()
	rows, err := c.counters.Read(context.Background(), period, time.Time{}, far)
	require.NoError(c.t, err)
	return rows
}

func TestEachTransitionIsCountedAtItsWebsiteWithTheTimeInItsState(t *testing.T) {
	t.Parallel()
	c := newCounting(t, fsmtest.Code("10002"), fsmtest.Code("10004"), fsmtest.Code("10008"))
	start := figures.StartOf(c.Clock.Now(), figures.Day)
	c.Clock.Advance(10 * time.Second)
	c.Must(c.Apply())
	c.Clock.Advance(20 * time.Second)
	c.Must(c.Password("246810"))
	c.Clock.Advance(25 * time.Second)
	c.Must(c.Captcha("500000"))
	c.Clock.Advance(70 * time.Second)
	c.Must(c.Captcha("500001"))
	c.deliver()
	c.deliver()
	const site = "chinamobilejs"
	var want figures.Counts
	for _, e := range []carrierfsm.Entry{
		{From: carrierfsm.Created, Event: carrierfsm.ApplicationAccepted, To: carrierfsm.Applied, Dwell: 10 * time.Second},
		{From: carrierfsm.Applied, Event: carrierfsm.PasswordRequested, To: carrierfsm.AwaitingPassword},
		{From: carrierfsm.AwaitingPassword, Event: carrierfsm.CaptchaRequested, To: carrierfsm.AwaitingCaptcha, Dwell: 20 * time.Second},
		{From: carrierfsm.AwaitingCaptcha, Event: carrierfsm.CaptchaRejected, To: carrierfsm.AwaitingCaptcha},
		{From: carrierfsm.AwaitingCaptcha, Event: carrierfsm.CollectionStarted, To: carrierfsm.Done, Dwell: 95 * time.Second},
	} {
		want.Observe(&e)
	}
	require.Empty(t, cmp.Diff([]figures.Row{{Period: figures.Day, Start: start, Source: site, Counts: want}}, c.rows(figures.Day)))
	for _, period := range []time.Duration{figures.Minute, figures.Hour} {
		var sum figures.Counts
		for _, r := range c.rows(period) {
			require.Equal(t, site, r.Source)
			sum.Add(r.Counts)
		}
		require.Empty(t, cmp.Diff(want, sum), "%v", period)
	}
	require.Len(t, c.rows(figures.Minute), 2, "the last is two minutes later")
}

func TestAnApplicationThatWasNotAcceptedIsAboutNoWebsite(t *testing.T) {
	t.Parallel()
	c := newCounting(t, fsmtest.Lost())
	c.Must(c.Apply())
	c.deliver()
	rows := c.rows(figures.Day)
	require.Len(t, rows, 1)
	require.Empty(t, rows[0].Source)
	require.EqualValues(t, 1, rows[0].Counts.Of(carrierfsm.Edge{From: carrierfsm.Created, Event: carrierfsm.OutcomeUnknown, To: carrierfsm.Created}).N)
}

// batchOf is a batch of one entry, which a store in memory has at its first position.
func (c *counting) batchOf(id string, at time.Time, source string) {
	c.t.Helper()
	ctx := context.Background()
	r := carrierfsm.Record{ID: id, State: carrierfsm.Failed, Version: 1, Table: 1, Created: at, Updated: at}
	require.NoError(c.t, c.Store.Create(ctx, r, carrierfsm.Entry{ID: id, Step: 1, From: carrierfsm.Created, Event: carrierfsm.Expired, To: carrierfsm.Failed, At: at, Source: source}))
	c.deliver()
}

func TestMinutesAreKeptForThreeDaysHoursFor40AndDaysFor400(t *testing.T) {
	t.Parallel()
	c := newCounting(t)
	count := func() [3]int {
		return [3]int{len(c.rows(figures.Minute)), len(c.rows(figures.Hour)), len(c.rows(figures.Day))}
	}
	c.batchOf("first", c.Clock.Now(), "")
	require.Equal(t, [3]int{1, 1, 1}, count())
	for i, step := range []struct {
		days int
		want [3]int
	}{{2, [3]int{2, 2, 2}}, {4, [3]int{1, 3, 3}}, {41, [3]int{1, 1, 4}}, {360, [3]int{1, 1, 2}}} {
		c.Clock.Advance(time.Duration(step.days) * figures.Day)
		c.batchOf(fmt.Sprint("later-", i), c.Clock.Now(), "")
		require.Equal(t, step.want, count(), "after %d more days", step.days)
	}
	c.batchOf("long-ago", c.Clock.Now().Add(-50*figures.Day), "")
	require.Equal(t, [3]int{1, 1, 3}, count(), "of what is old, what would be deleted at once is not written")
}

func TestManyOrLongWebsitesAreCountedTogether(t *testing.T) {
	t.Parallel()
	c := newCounting(t)
	for i := range 303 {
		c.batchOf(fmt.Sprint("of-site-", i), c.Clock.Now(), fmt.Sprint("site-", i%302))
	}
	var n int64
	sources := make(map[string]bool)
	for _, r := range c.rows(figures.Day) {
		sources[r.Source] = true
		for _, count := range r.Counts {
			n += count.N
		}
	}
	require.EqualValues(t, 303, n)
	require.Len(t, sources, 301)
	require.True(t, sources[figures.Other])
}

// failing is a store whose figures fail.
type failing struct{ figures.Store }

func (failing) Counts(context.Context, string, time.Duration, time.Time, time.Time) ([]figures.Row, error) {
	return nil, errors.New("the disk is full")
}

func TestReadReturnsWhatWentWrong(t *testing.T) {
	t.Parallel()
	_, err := figures.New(figures.Config{})
	require.ErrorIs(t, err, carrierfsm.ErrInvalid)
	c, err := figures.New(figures.Config{Store: failing{}})
	require.NoError(t, err)
	_, err = c.Read(context.Background(), figures.Day, time.Time{}, far)
	require.ErrorIs(t, err, carrierfsm.ErrStore)
	store := memory.New()
	c, err = figures.New(figures.Config{Store: store, Name: "others"})
	require.NoError(t, err)
	require.Equal(t, "others", c.Name())
	over, cancel := context.WithCancel(context.Background())
	cancel()
	_, err = c.Read(over, figures.Day, time.Time{}, far)
	require.ErrorIs(t, err, context.Canceled)
	require.NoError(t, store.Close())
	_, err = c.Read(context.Background(), figures.Day, time.Time{}, far)
	require.ErrorIs(t, err, carrierfsm.ErrClosed)
}
