package outbox_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/fsmtest"
	"github.com/carrierfsm/carrierfsm/outbox"
	"github.com/carrierfsm/carrierfsm/store/seal"
)

// parkedWith returns the parked row of a handler that failed with err at the transition
// to the password's prompt, and its dispatcher.
func parkedWith(t *testing.T, b *fsmtest.Bench, handler outbox.Handler) (outbox.Parked, *outbox.Dispatcher) {
	t.Helper()
	d := b.Dispatcher(outbox.Config{Handlers: map[string]outbox.Handler{"notify": func(ctx context.Context, tr carrierfsm.Transition) error {
		if tr.Step < 2 {
			return nil
		}
		return handler(ctx, tr)
	}}})
	b.Must(b.Apply())
	_, err := d.Deliver(t.Context())
	require.Error(t, err)
	rows, err := d.Parked(t.Context(), outbox.ParkedQuery{})
	require.NoError(t, err)
	require.Len(t, rows, 1)
	return rows[0], d
}

func fails(text string) outbox.Handler {
	return func(context.Context, carrierfsm.Transition) error { return errors.New(text) }
}

func TestAParkedRowHasTheTransitionAndTheErrorSealed(t *testing.T) {
	t.Parallel()
	sealer, err := seal.New(seal.Key{ID: "k1", Key: carrierfsm.NewSecret("0123456789abcdef0123456789abcdef")})
	require.NoError(t, err)
	b := fsmtest.NewWith(t, carrierfsm.Config{Sealer: sealer})
	row, d := parkedWith(t, b, fails("no mail for 测试用户, 13800138042: server is away"))
	require.NotContains(t, string(row.Failure), "away")
	f, err := d.Failure(row)
	require.NoError(t, err)
	require.Equal(t, carrierfsm.PasswordRequested, f.Event)
	require.Equal(t, "no mail for ****, ****: server is away", f.Error, "without numbers and what this process knows of the person")

	other := row
	other.ID = "v2"
	_, err = d.Failure(other)
	require.ErrorIs(t, err, carrierfsm.ErrForged, "of another verification")
	other = row
	other.Handler = "other"
	_, err = d.Failure(other)
	require.ErrorIs(t, err, carrierfsm.ErrForged, "of another handler")
	for _, forged := range []string{`"server is fine`, "2", "x", strings.Repeat("2", 60)} {
		other = row
		other.Failure = []byte(forged)
		_, err = d.Failure(other)
		require.Error(t, err, forged)
	}
	require.NoError(t, b.Machine.Erase(t.Context(), b.ID))
	rows, err := d.Parked(t.Context(), outbox.ParkedQuery{})
	require.NoError(t, err)
	require.Empty(t, rows[0].Failure, "it goes with the person's data")
	f, err = d.Failure(rows[0])
	require.NoError(t, err)
	require.Zero(t, f)
}

func TestTheFailureIsThatOfTheLatestAttempt(t *testing.T) {
	t.Parallel()
	text := "first"
	b := fsmtest.New(t)
	row, d := parkedWith(t, b, func(context.Context, carrierfsm.Transition) error {
		if text == "" {
			return nil
		}
		return errors.New(text)
	})
	f, err := d.Failure(row)
	require.NoError(t, err)
	require.Equal(t, outbox.Failure{Event: carrierfsm.PasswordRequested, Error: "first"}, f)
	text = "second: " + strings.Repeat("long ", 1000)
	require.NoError(t, d.Replay(t.Context(), "notify", b.ID, 2))
	_, err = d.Deliver(t.Context())
	require.Error(t, err)
	rows, err := d.Parked(t.Context(), outbox.ParkedQuery{})
	require.NoError(t, err)
	f, err = d.Failure(rows[0])
	require.NoError(t, err)
	require.True(t, strings.HasPrefix(f.Error, "second: long"), f.Error)
	require.Less(t, len(f.Error), 513)
	text = ""
	require.NoError(t, d.Replay(t.Context(), "notify", b.ID, 2))
	_, err = d.Deliver(t.Context())
	require.NoError(t, err)
}

func TestAPanicIsAFailureWithoutItsValue(t *testing.T) {
	t.Parallel()
	row, d := parkedWith(t, fsmtest.New(t), func(context.Context, carrierfsm.Transition) error { panic("测试用户") })
	f, err := d.Failure(row)
	require.NoError(t, err)
	require.Contains(t, f.Error, "panicked with a string at")
	require.NotContains(t, f.Error, "测试用户")
}
