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
	require.True(t, arrivedAt(server).Before(after), "it was noted when it was read")
}
