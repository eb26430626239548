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
	"github.com/carrierfsm/carrierfsm/fsmtest"
	"github.com/carrierfsm/carrierfsm/store/memory"
	"github.com/carrierfsm/carrierfsm/telemetry"
)

// The one who did not learn the outcome is gone, and the number with it if it
// were counted in memory. Another process counts it in the store.
func TestAnUnknownOutcomeIsCountedForAsLongAsThePersonIsAsked(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := memory.New()
		b := fsmtest.NewWith(t, carrierfsm.Config{Store: store, Now: time.Now},
			fsmtest.Accept("chinamobilejs"), fsmtest.Code("10002"), fsmtest.Lost(), fsmtest.Code("10008"))
		k := keep(t)
		other, err := carrierfsm.New(carrierfsm.Config{Store: store, Upstream: b.Upstream})
		require.NoError(t, err)
		registration, err := k.Watch(other)
		require.NoError(t, err)
		now := func() []string {
			time.Sleep(time.Minute) //nolint:forbidigo // fake time; a count is good for a while
			return k.points("verification.unknown.active")
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

// lister is a machine as Watch sees it.
type lister struct {
	asked []carrierfsm.Query
	list  func(ctx context.Context) ([]carrierfsm.Summary, error)
}

func (l *lister) List(ctx context.Context, q carrierfsm.Query) ([]carrierfsm.Summary, error) {
	l.asked = append(l.asked, q)
	return l.list(ctx)
}

func TestCountingIsBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := &lister{list: func(context.Context) ([]carrierfsm.Summary, error) { return make([]carrierfsm.Summary, 3), nil }}
		k := keep(t, func(c *telemetry.Config) { c.Within = 2 * time.Hour })
		_, err := k.Watch(l)
		require.NoError(t, err)
		began := time.Now()
		for range 5 {
			require.Equal(t, []string{"3"}, k.points("verification.unknown.active"))
		}
		require.Equal(t, []carrierfsm.Query{{
			Reason: "outcome_unknown", States: []carrierfsm.State{"created", "awaiting_password", "awaiting_captcha"},
			CreatedAfter: began.Add(-2 * time.Hour), Limit: 1000,
		}}, l.asked, "asked once for all that collect at a time")
		time.Sleep(time.Minute) //nolint:forbidigo // fake time
		k.points("verification.unknown.active")
		require.Len(t, l.asked, 2)
	})
}

var errDriver = errors.New("driver: no row for 13800138000")

// What fails here would be printed by OpenTelemetry's error handler, and what
// panics would end the process.
func TestACountThatFailsIsNoNumberAndSaysNoMoreThanThat(t *testing.T) {
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
				k := keep(t)
				_, err := k.Watch(&lister{list: list})
				require.NoError(t, err)
				var data metricdata.ResourceMetrics
				err = k.reader.Collect(context.Background(), &data)
				require.ErrorContains(t, err, "can't be counted")
				require.NotContains(t, err.Error(), "138")
				require.Empty(t, data.ScopeMetrics)
			})
		})
	}
}
