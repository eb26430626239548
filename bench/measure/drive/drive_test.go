package drive_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm/bench/measure/drive"
	"github.com/carrierfsm/carrierfsm/bench/measure/subject"
)

// slowly is a subject whose creation takes one time and whose submissions
// another.
type slowly struct {
	creation, submission time.Duration
	finished             atomic.Int64
	fails                error
}

func (s *slowly) Verify(_ context.Context, lap func()) error {
	if s.fails != nil {
		return s.fails
	}
	time.Sleep(s.creation) //nolint:forbidigo // it is fake
	lap()
	for range subject.Laps - 1 {
		time.Sleep(s.submission) //nolint:forbidigo // it is fake
		lap()
	}
	s.finished.Add(1)
	return nil
}

func (*slowly) Left(context.Context) (subject.Left, error) { return subject.Left{}, nil }
func (*slowly) Close() error                               { return nil }

func TestThroughputAndLatencyAreThoseOfTheDrivers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &slowly{creation: 70 * time.Millisecond, submission: 10 * time.Millisecond}
		sample, err := drive.Drive(context.Background(), s, drive.Options{Drivers: 4, For: 10*time.Second + time.Millisecond, WarmUp: time.Second})
		require.NoError(t, err)
		require.InDelta(t, 40, sample.PerSecond(), 0.1, "four drivers, 100 ms each")
		require.Equal(t, 10*time.Millisecond, sample.P50)
		require.Equal(t, 10*time.Millisecond, sample.P99, "creations are no submissions")
		require.EqualValues(t, s.finished.Load(), sample.Verifications, "those of the warm-up and the last ones too")
		require.Greater(t, sample.Verifications*subject.Laps, sample.Laps)
	})
}

func TestAVerificationThatOutlastsTheMeasurementIsCountedByItsLaps(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &slowly{creation: time.Second, submission: time.Second}
		sample, err := drive.Drive(context.Background(), s, drive.Options{Drivers: 1, For: 2500 * time.Millisecond})
		require.NoError(t, err)
		require.Equal(t, 2, sample.Laps)
	})
}

func TestWhatFailsIsNoMeasurement(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken")
	_, err := drive.Drive(context.Background(), &slowly{fails: broken}, drive.Options{Drivers: 2, For: time.Millisecond})
	require.ErrorIs(t, err, broken)
}

func TestALineOfProcTellsTheParentAndTheTimes(t *testing.T) {
	t.Parallel()
	parent, own, reaped, err := drive.ParseStat("42 (a (bad) name) S 7 42 42 0 -1 4194560 100 200 0 0 150 50 30 20 20 0 1 0 5 6 7")
	require.NoError(t, err)
	require.Equal(t, 7, parent)
	require.Equal(t, 2*time.Second, own)
	require.Equal(t, 500*time.Millisecond, reaped)
	_, _, _, err = drive.ParseStat("42 (cut off) S 7")
	require.Error(t, err)
}
