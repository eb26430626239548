package telemetry_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/budget"
	"github.com/carrierfsm/carrierfsm/fsmtest"
	"github.com/carrierfsm/carrierfsm/store/memory"
	"github.com/carrierfsm/carrierfsm/store/sharded"
	"github.com/carrierfsm/carrierfsm/telemetry"
)

// The value is counted in the store, so a process other than the one that
// committed the unknown outcome reports it.
func TestAnUnknownOutcomeIsCountedForAsLongAsThePersonIsAsked(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := memory.New()
		b := fsmtest.NewWith(t, carrierfsm.Config{Store: store, Now: time.Now},
			fsmtest.Accept("chinamobilejs"), fsmtest.Code("10002"), fsmtest.Lost(), fsmtest.Code("10008"))
		f := newFixture(t)
		other, err := carrierfsm.New(carrierfsm.Config{Numbers: budget.None(), Store: store, Upstream: b.Upstream})
		require.NoError(t, err)
		registration, err := f.Watch(other)
		require.NoError(t, err)
		now := func() []string {
			time.Sleep(time.Minute) //nolint:forbidigo // fake time; a count is reused for 10 s
			return f.points("verification.unknown.active")
		}
		_, err = b.Apply()
		require.NoError(t, err)
		_, err = b.Password("246810")
		require.NoError(t, err)
		require.Equal(t, []string{"0"}, now())
		_, err = b.Captcha("500001")
		require.NoError(t, err)
		require.Equal(t, []string{"1"}, now())
		_, err = b.Captcha("500002")
		require.NoError(t, err)
		require.Equal(t, []string{"0"}, now())
		require.NoError(t, registration.Unregister())
		require.Empty(t, now())
	})
}

// fakeLister records the queries of Watch.
type fakeLister struct {
	queries []carrierfsm.Query
	list    func(ctx context.Context) ([]carrierfsm.Summary, error)
}

func (l *fakeLister) List(ctx context.Context, q carrierfsm.Query) ([]carrierfsm.Summary, error) {
	l.queries = append(l.queries, q)
	return l.list(ctx)
}

func TestCountingIsBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := &fakeLister{list: func(context.Context) ([]carrierfsm.Summary, error) { return make([]carrierfsm.Summary, 3), nil }}
		f := newFixture(t, func(c *telemetry.Config) { c.Within = 2 * time.Hour })
		_, err := f.Watch(l)
		require.NoError(t, err)
		began := time.Now()
		for range 5 {
			require.Equal(t, []string{"3"}, f.points("verification.unknown.active"))
		}
		require.Equal(t, []carrierfsm.Query{{
			Reason: "outcome_unknown", States: []carrierfsm.State{"created", "awaiting_password", "awaiting_captcha"},
			CreatedAfter: began.Add(-2 * time.Hour), Limit: 1000,
		}}, l.queries, "collections within 10 s share one count")
		time.Sleep(time.Minute) //nolint:forbidigo // fake time
		f.points("verification.unknown.active")
		require.Len(t, l.queries, 2)
	})
}

var errDriver = errors.New("driver: no row for 13800138000")

// handled are the errors that OpenTelemetry's error handler got, in any test.
var handled struct {
	sync.Mutex
	texts []string
}

func handle(err error) {
	handled.Lock()
	defer handled.Unlock()
	handled.texts = append(handled.texts, err.Error())
}

// OpenTelemetry's error handler prints the error, and an uncaught panic would end
// the process. An error of the callback would keep all metrics from being exported.
func TestAFailedCountReportsNoValueAndNoErrorText(t *testing.T) {
	t.Parallel()
	for class, list := range map[string]func(context.Context) ([]carrierfsm.Summary, error){
		"_OTHER": func(context.Context) ([]carrierfsm.Summary, error) { return nil, errDriver },
		"panic":  func(context.Context) ([]carrierfsm.Summary, error) { panic(errDriver) },
		"timeout": func(ctx context.Context) ([]carrierfsm.Summary, error) {
			<-ctx.Done()
			return nil, fmt.Errorf("%w: %w", errDriver, ctx.Err())
		},
	} {
		t.Run(class, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				f := newFixture(t)
				_, err := f.Watch(&fakeLister{list: list})
				require.NoError(t, err)
				var data metricdata.ResourceMetrics
				require.NoError(t, f.reader.Collect(context.Background(), &data))
				require.Empty(t, data.ScopeMetrics)
				handled.Lock()
				defer handled.Unlock()
				require.Contains(t, strings.Join(handled.texts, "\n"), "can't be counted ("+class)
				require.NotContains(t, strings.Join(handled.texts, "\n"), "138")
			})
		})
	}
}

// failingList is a shard whose lists fail while it is down.
type failingList struct {
	*memory.Store
	down atomic.Bool
}

func (l *failingList) List(ctx context.Context, q carrierfsm.Query) ([]carrierfsm.Record, error) {
	if l.down.Load() {
		return nil, errDriver
	}
	return l.Store.List(ctx, q)
}

func TestEachShardThatAnswersIsCountedWhileAnotherIsDown(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		list := []*failingList{{Store: memory.New()}, {Store: memory.New()}}
		store, err := sharded.New(t.Context(), sharded.Config{
			Shards: []sharded.Shard{{Name: "east", Store: list[0]}, {Name: "west", Store: list[1]}}, Create: true,
		})
		require.NoError(t, err)
		m, err := carrierfsm.New(carrierfsm.Config{Numbers: budget.None(), Store: store, Upstream: fsmtest.Instant{}})
		require.NoError(t, err)
		f := newFixture(t)
		_, err = f.Watch(m)
		require.NoError(t, err)
		now := func() []string {
			time.Sleep(time.Minute) //nolint:forbidigo // fake time; a count is reused for 10 s
			return f.points("verification.unknown.active")
		}
		require.Equal(t, []string{"verification.shard=east 0", "verification.shard=west 0"}, now())
		for _, id := range []string{"s000-one", "s3ff-two", "s3fe-three"} {
			at := time.Now()
			require.NoError(t, store.Create(t.Context(), carrierfsm.Record{ID: id, State: carrierfsm.Created, Reason: carrierfsm.OutcomeUnknown, Version: 1, Created: at, Updated: at}))
		}
		require.Equal(t, []string{"verification.shard=east 1", "verification.shard=west 2"}, now())
		list[0].down.Store(true)
		require.Equal(t, []string{"verification.shard=west 2"}, now(), "collecting returns no error: the other metrics are exported")
		list[0].down.Store(false)
		require.Equal(t, []string{"verification.shard=east 1", "verification.shard=west 2"}, now())
	})
}
