package main_test

import (
	"bufio"
	"bytes"
	"context"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/fsmtest"
	"github.com/carrierfsm/carrierfsm/store/sharded"
)

// running is a command that has not ended.
type running struct {
	cmd *exec.Cmd
	out bytes.Buffer
	err *bufio.Scanner
}

// start starts the program.
func (c command) start(args ...string) *running {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	c.t.Cleanup(cancel)
	r := &running{cmd: exec.CommandContext(ctx, binary, args...)}
	r.cmd.Dir, r.cmd.Env, r.cmd.Stdout = c.dir, c.env, &r.out
	pipe, err := r.cmd.StderrPipe()
	require.NoError(c.t, err)
	r.err = bufio.NewScanner(pipe)
	require.NoError(c.t, r.cmd.Start())
	return r
}

// says reads standard error up to a line with a text.
func (r *running) says(t *testing.T, text string) {
	t.Helper()
	for r.err.Scan() {
		if strings.Contains(r.err.Text(), text) {
			return
		}
	}
	t.Fatalf("it did not say %q", text)
}

// end waits for the end, and returns the rest of standard error.
func (r *running) end() (rest string, code int) {
	for r.err.Scan() {
		rest += r.err.Text() + "\n"
	}
	_ = r.cmd.Wait() // the exit code says it
	return rest, r.cmd.ProcessState.ExitCode()
}

// drainedService is a service of two shards, with a verification that waits for a password,
// and the shard that has it.
type drainedService struct {
	*fsmtest.Bench
	store *sharded.Store
	place place // of the shard
	gate  *fsmtest.Gate
}

// onEachService runs a test with a service on stores of each kind. It holds back the answer to
// the password.
func onEachService(t *testing.T, test func(t *testing.T, s drainedService, c command)) {
	t.Helper()
	for name, fresh := range map[string]func(t *testing.T) place{"sqlite": newFile, "postgres": newDatabase} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			places := []place{fresh(t), fresh(t)}
			store, err := sharded.New(t.Context(), sharded.Config{Create: true, Shards: []sharded.Shard{
				{Name: "east", Store: places[0].open(t).(sharded.Member)}, {Name: "west", Store: places[1].open(t).(sharded.Member)},
			}})
			require.NoError(t, err)
			held, gate := fsmtest.Held(fsmtest.Code("10002"))
			s := drainedService{Bench: fsmtest.NewWith(t, carrierfsm.Config{Store: store}, fsmtest.Accept("chinamobilejs"), held), store: store, gate: gate}
			s.place = places[store.ShardOf(s.ID)]
			s.Must(s.Apply())
			test(t, s, newCommand(t, "CARRIERFSM_OPERATOR=li.wei", "CARRIERFSM_STORE="+s.place.spec))
		})
	}
}

// submit submits the password, and waits until it has arrived at upstream.
func (s *drainedService) submit() (done chan error) {
	done = make(chan error, 1)
	go func() {
		_, err := s.Password("246810")
		done <- err
	}()
	<-s.gate.Arrived()
	return done
}

// slots returns the epoch and the slots that the database says.
func slots(t *testing.T, c command) string {
	t.Helper()
	r := c.runWith("", "shard", "list")
	require.Zero(t, r.code, r.err)
	lines := strings.Split(strings.TrimSpace(r.out), "\n")
	words := strings.Fields(lines[len(lines)-1]) // the shard, …, and no error
	return strings.Join(words[1:len(words)-1], " ")
}

// What the operator answered to a call that was under way is committed and acknowledged
// before the shard is closed.
func TestAShardIsClosedWhenTheCallsUnderWayHaveEnded(t *testing.T) {
	t.Parallel()
	onEachService(t, func(t *testing.T, s drainedService, c command) {
		plain := slots(t, c)
		require.Regexp(t, `^1 \d+-\d+/1024$`, plain)
		plain = plain[2:]
		outcome := s.submit()
		closing := c.start("shard", "close", "-yes")
		closing.says(t, "calls=1")
		require.Equal(t, "1 draining "+plain, slots(t, c))
		_, err := s.Create(carrierfsm.NewVerification{ID: s.store.PlaceID(s.ID, "")[:len("s000-")] + "new"}).Apply()
		require.ErrorIs(t, err, carrierfsm.ErrMoved, "a new submission")
		s.gate.Open()
		require.NoError(t, <-outcome)
		rest, code := closing.end()
		require.Zero(t, code, rest)
		require.Contains(t, closing.out.String(), "is closed, in epoch 2")
		require.Equal(t, "2 moved "+plain, slots(t, c))
		_, err = s.Machine.Get(t.Context(), s.ID)
		require.ErrorIs(t, err, carrierfsm.ErrMoved)

		r := c.runWith("", "shard", "open", "-yes")
		require.Zero(t, r.code, r.err)
		require.Equal(t, "3 "+plain, slots(t, c))
		history, err := s.place.open(t).History(t.Context(), s.ID, 0, 100)
		require.NoError(t, err)
		require.Equal(t, carrierfsm.CaptchaRequested, history[len(history)-1].Event)
	})
}

// A call that takes longer than the operator waits keeps the shard from being closed: it
// drains until it takes submissions again, or is closed at once.
func TestAShardWhoseCallsTakeLongerDrainsOn(t *testing.T) {
	t.Parallel()
	onEachService(t, func(t *testing.T, s drainedService, c command) {
		plain := slots(t, c)[2:]
		outcome := s.submit()
		for range 2 { // again, while it drains
			r := c.runWith("", "shard", "close", "-yes", "-wait", "1ms")
			require.Equal(t, 4, r.code, r.err)
			require.Contains(t, r.err, "1 calls are under way after 1ms")
			require.Contains(t, r.err, "run shard close again, or shard open to take them again")
			require.Equal(t, "1 draining "+plain, slots(t, c))
		}
		r := c.runWith("", "shard", "open")
		require.Contains(t, r.out, "would take submissions again, in epoch 1", r.err)
		require.Equal(t, "1 draining "+plain, slots(t, c))
		r = c.runWith("", "shard", "open", "-yes")
		require.Zero(t, r.code, r.err)
		require.Contains(t, r.out, "takes submissions again, in epoch 1")
		require.Equal(t, "1 "+plain, slots(t, c))
		require.Equal(t, 4, c.runWith("", "shard", "open", "-yes").code, "it is not closed")
		s.gate.Open()
		require.NoError(t, <-outcome)
		s.Upstream.Then(fsmtest.Code("10008"))
		_, err := s.Captcha("123456")
		require.NoError(t, err, "the replica goes on")

		require.Equal(t, 2, c.runWith("", "shard", "close", "-yes", "-wait", "-1s").code)
		require.Contains(t, c.runWith("", "shard", "close").out, "would be closed, in epoch 2")
		require.Zero(t, c.runWith("", "shard", "close", "-yes", "-wait", "0").code)
		require.Equal(t, "2 moved "+plain, slots(t, c))
	})
}
