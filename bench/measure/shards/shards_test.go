package shards_test

import (
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm/bench/measure/shards"
	"github.com/carrierfsm/carrierfsm/bench/measure/subject"
	"github.com/carrierfsm/carrierfsm/internal/pgtest"
)

func TestAVerificationMakesNoStatementOnAnotherShard(t *testing.T) {
	t.Parallel()
	p, err := shards.StartPrimaries(t.Context(), 2, []int{1, 2})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, p.Close()) })
	s, err := p.CountStatements(t.Context(), 2, 3)
	require.NoError(t, err)
	require.GreaterOrEqual(t, s.Own, int64(3*6), "each commit is a statement")
	require.Zero(t, s.Others)
	storage := p.Storage(2, 4)
	require.Equal(t, subject.Shards, storage.Medium)
	require.Len(t, storage.Shards, 2)
	require.Len(t, p.Storage(1, 4).Shards, 1)
}

func TestACapHoldsAProcessToItsPartOfACore(t *testing.T) {
	t.Parallel()
	c, err := shards.NewCap("test")
	if err != nil {
		t.Skip("it needs root and a cgroup controller for the processor: ", err)
	}
	busy := exec.CommandContext(t.Context(), "sh", "-c", "while :; do :; done")
	require.NoError(t, busy.Start())
	require.NoError(t, c.Add(busy.Process.Pid))
	require.Eventually(t, func() bool {
		all, used := c.Periods()
		return all > 10 && used > all/2
	}, time.Minute, 10*time.Millisecond)
	require.NoError(t, busy.Process.Kill())
	_ = busy.Wait()
	require.NoError(t, c.Add(busy.Process.Pid), "a process that has ended")
	require.NoError(t, c.Close())
}

// echo answers each connection with what it reads, on a socket.
func echo(t *testing.T) (path string) {
	t.Helper()
	folder, err := os.MkdirTemp("/tmp", "echo") // the path of a socket is limited
	require.NoError(t, err)
	path = filepath.Join(folder, "socket")
	l, err := net.Listen("unix", path)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, os.RemoveAll(folder)) })
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() { _, _ = io.Copy(c, c); _ = c.Close() }()
		}
	}()
	return path
}

func TestTheProxyDelaysEachRoundTripAndKeepsTheOrder(t *testing.T) {
	t.Parallel()
	p, err := shards.NewProxy(echo(t))
	require.NoError(t, err)
	p.SetRoundTrip(20 * time.Millisecond)
	c, err := net.Dial("unix", filepath.Join(p.Folder(), pgtest.SocketName))
	require.NoError(t, err)
	begun := time.Now()
	for _, word := range []string{"one ", "two ", "three"} { // on the way at the same time
		_, err := c.Write([]byte(word))
		require.NoError(t, err)
	}
	text := make([]byte, len("one two three"))
	_, err = io.ReadFull(c, text)
	require.NoError(t, err)
	require.Equal(t, "one two three", string(text))
	require.GreaterOrEqual(t, time.Since(begun), 20*time.Millisecond)
	require.NoError(t, p.Close())
	_, err = c.Read(text)
	require.Error(t, err)
	require.NoError(t, c.Close())
}
