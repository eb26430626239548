package telemetry_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/budget"
	"github.com/carrierfsm/carrierfsm/fsmtest"
	"github.com/carrierfsm/carrierfsm/store/memory"
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

// OpenTelemetry's error handler prints the error, and an uncaught panic would end
// the process.
func TestAFailedCountReportsNoValueAndNoErrorText(t *testing.T) {
	t.Parallel()
	for name, list := range map[string]func(context.Context) ([]carrierfsm.Summary, error){
		"error": func(context.Context) ([]carrierfsm.Summary, error) { return nil, errDriver },
		"panic": func(context.Context) ([]carrierfsm.Summary, error) { panic(errDriver) },
		"hang": func(ctx context.Context) ([]carrierfsm.Summary, error) {
			<-ctx.Done()
			return nil, fmt.Errorf("%w: %w", errDriver, ctx.Err())
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				f := newFixture(t)
				_, err := f.Watch(&fakeLister{list: list})
				require.NoError(t, err)
				var data metricdata.ResourceMetrics
				err = f.reader.Collect(context.Background(), &data)
				require.ErrorContains(t, err, "can't be counted")
				require.NotContains(t, err.Error(), "138")
				require.Empty(t, data.ScopeMetrics)
			})
		})
	}
}
