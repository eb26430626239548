//go:build linux

package crashproof_test

import (
	"context"
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestAnArrivalIsNotedWhenTheBytesComeNotWhenTheyAreRead(t *testing.T) {
	t.Parallel()
	l, err := newAwayListener()
	require.NoError(t, err)
	defer func() { _ = l.Close() }()
	noted := false
	for range 100 { // the kernel takes a moment to begin, where nobody else has asked for it
		if noted = notedEarly(t, l); noted {
			break
		}
	}
	require.True(t, noted, "it was noted when it was read")
}

// notedEarly tells whether bytes that are read late were noted in time.
func notedEarly(t *testing.T, l *awayListener) bool {
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
