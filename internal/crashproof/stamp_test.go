//go:build linux

package crashproof_test

import (
	"context"
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestTheTimeOfAnArrivalIsThatOfTheBytesNotOfTheirReading(t *testing.T) {
	t.Parallel()
	l, err := newPausableListener()
	require.NoError(t, err)
	defer func() { _ = l.Close() }()
	early := false
	for range 100 { // the kernel needs a moment to start time stamps
		if early = stampedEarly(t, l); early {
			break
		}
	}
	require.True(t, early, "the time is that of the reading")
}

// stampedEarly reports whether the time of bytes that are read late is that of their
// arrival.
func stampedEarly(t *testing.T, l *pausableListener) bool {
	t.Helper()
	client, err := net.Dial("tcp", l.Addr().String())
	require.NoError(t, err)
	defer func() { _ = client.Close() }()
	before := time.Now()
	_, err = client.Write([]byte("x"))
	require.NoError(t, err)
	rest(context.Background(), 20*time.Millisecond)
	after := time.Now()
	server, err := l.Accept()
	require.NoError(t, err)
	defer func() { _ = server.Close() }()
	_, err = server.Read(make([]byte, 1))
	require.NoError(t, err)
	require.True(t, arrivedAt(server).After(before.Add(-time.Millisecond)))
	return arrivedAt(server).Before(after)
}
