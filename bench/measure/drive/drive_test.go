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

// slowSubject is a subject whose creation and submissions take fixed times.
type slowSubject struct {
	creation, submission time.Duration
	finished             atomic.Int64
	err                  error
}

func (s *slowSubject) Verify(_ context.Context, lap func()) error {
	if s.err != nil {
		return s.err
	}
	time.Sleep(s.creation) //nolint:forbidigo // fake time
	lap()
	for range subject.Laps - 1 {
		time.Sleep(s.submission) //nolint:forbidigo // fake time
		lap()
	}
	s.finished.Add(1)
	return nil
}

func (*slowSubject) Count(context.Context) (subject.Counts, error) { return subject.Counts{}, nil }
func (*slowSubject) Close() error                                  { return nil }

func TestThroughputAndLatencyAreMeasured(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &slowSubject{creation: 70 * time.Millisecond, submission: 10 * time.Millisecond}
		sample, err := drive.Drive(context.Background(), s, drive.Options{Drivers: 4, For: 10*time.Second + time.Millisecond, WarmUp: time.Second})
		require.NoError(t, err)
		require.InDelta(t, 40, sample.PerSecond(), 0.1, "four drivers, 100 ms each")
		require.Equal(t, 10*time.Millisecond, sample.P50)
		require.Equal(t, 10*time.Millisecond, sample.P99, "creations are not included")
		require.EqualValues(t, s.finished.Load(), sample.Verifications, "including those of the warm-up and the last ones")
		require.Greater(t, sample.Verifications*subject.Laps, sample.Laps)
	})
}

func TestAnUnfinishedVerificationCountsByItsLaps(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &slowSubject{creation: time.Second, submission: time.Second}
		sample, err := drive.Drive(context.Background(), s, drive.Options{Drivers: 1, For: 2500 * time.Millisecond})
		require.NoError(t, err)
		require.Equal(t, 2, sample.Laps)
	})
}

func TestAFailedVerificationFailsTheMeasurement(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken")
	_, err := drive.Drive(context.Background(), &slowSubject{err: broken}, drive.Options{Drivers: 2, For: time.Millisecond})
	require.ErrorIs(t, err, broken)
}

func TestParseStatReadsTheParentAndTheTimes(t *testing.T) {
	t.Parallel()
	parent, own, reaped, err := drive.ParseStat("42 (a (bad) name) S 7 42 42 0 -1 4194560 100 200 0 0 150 50 30 20 20 0 1 0 5 6 7")
	require.NoError(t, err)
	require.Equal(t, 7, parent)
	require.Equal(t, 2*time.Second, own)
	require.Equal(t, 500*time.Millisecond, reaped)
	_, _, _, err = drive.ParseStat("42 (cut off) S 7")
	require.Error(t, err)
}
