package main_test

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/fsmtest"
	"github.com/carrierfsm/carrierfsm/internal/pgtest"
	"github.com/carrierfsm/carrierfsm/outbox"
	"github.com/carrierfsm/carrierfsm/store/postgres"
	"github.com/carrierfsm/carrierfsm/store/seal"
	"github.com/carrierfsm/carrierfsm/store/sqlite"
)

var update = flag.Bool("update", false, "rewrite the expected output in testdata")

// binary is the command, compiled once.
var binary string

// cluster is shared by all tests. Each test has its own database.
var cluster = pgtest.Shared{Migrate: func(dsn string) error {
	s, err := postgres.Open(context.Background(), dsn)
	if err != nil {
		return err
	}
	return s.Close()
}}

func TestMain(m *testing.M) {
	folder, err := os.MkdirTemp("", "carrierfsm")
	if err == nil {
		binary = filepath.Join(folder, "carrierfsm")
		var out []byte
		if out, err = exec.Command("go", "build", "-o", binary, ".").CombinedOutput(); err != nil {
			err = fmt.Errorf("%w: %s", err, out)
		}
	}
	if err != nil {
		_, _ = fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	goleak.VerifyTestMain(m, goleak.Cleanup(func(code int) {
		if err := errors.Join(cluster.Close(), os.RemoveAll(folder)); err != nil {
			_, _ = fmt.Fprintln(os.Stderr, err)
			code = 1
		}
		os.Exit(code)
	}))
}

// command is the program with an environment of its own.
type command struct {
	t   *testing.T
	dir string
	env []string
}

// newCommand returns a command in a fresh folder, with a key file and a secret file.
func newCommand(t *testing.T, env ...string) command {
	t.Helper()
	c := command{t: t, dir: t.TempDir(), env: append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + os.Getenv("HOME")}, env...)}
	c.write("keys", "# the newest first\n2030-06 "+firstKey+"\n")
	c.write("other-keys", "2031-01 "+otherKey+"\n2030-06 "+firstKey+"\n")
	c.write("wrong-keys", "2030-06 "+otherKey+"\n")
	c.write("secret", numberSecret+"\n")
	return c
}

func (c command) write(name, text string) {
	c.t.Helper()
	require.NoError(c.t, os.WriteFile(filepath.Join(c.dir, name), []byte(text), 0o600))
}

// result is what the program printed, and its exit code.
type result struct {
	out, err string
	code     int
}

// runWith runs the program with a text on its standard input.
func (c command) runWith(in string, args ...string) result {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(c.t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, binary, args...)
	var out, errs bytes.Buffer
	cmd.Dir, cmd.Env, cmd.Stdin, cmd.Stdout, cmd.Stderr = c.dir, c.env, strings.NewReader(in), &out, &errs
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		require.NoError(c.t, err)
	}
	return result{out.String(), errs.String(), cmd.ProcessState.ExitCode()}
}

// Invented keys, in base64, and the secret for keys of numbers.
const (
	firstKey     = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="
	otherKey     = "ZmVkY2JhOTg3NjU0MzIxMGZlZGNiYTk4NzY1NDMyMTA="
	numberSecret = "c2VjcmV0IG9mIHRoZSBob3N0LCAzMiBieXRlcyBsb25n"
)

func sealer(t *testing.T) carrierfsm.Sealer {
	t.Helper()
	s, err := seal.New(seal.Key{ID: "2030-06", Key: carrierfsm.NewSecret("0123456789abcdef0123456789abcdef")})
	require.NoError(t, err)
	return s
}

// place is a store that the program and the test share.
type place struct {
	name string
	spec string // of -store
	open func(t *testing.T) outbox.Store
}

// onEachStore runs a test with a fresh store of each kind.
func onEachStore(t *testing.T, test func(t *testing.T, p place)) {
	t.Helper()
	for name, fresh := range map[string]func(t *testing.T) place{"sqlite": newFile, "postgres": newDatabase} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, fresh(t))
		})
	}
}

func newFile(t *testing.T) place {
	t.Helper()
	path := filepath.Join(t.TempDir(), "verifications.db")
	return place{"sqlite", "sqlite:" + path, func(t *testing.T) outbox.Store {
		t.Helper()
		s, err := sqlite.Open(t.Context(), path)
		require.NoError(t, err)
		t.Cleanup(func() { require.NoError(t, s.Close()) })
		return s
	}}
}

func newDatabase(t *testing.T) place {
	t.Helper()
	dsn := cluster.Cluster(t).NewDatabase(t)
	return place{"postgres", "postgres:" + dsn, func(t *testing.T) outbox.Store {
		t.Helper()
		s, err := postgres.Open(t.Context(), dsn)
		require.NoError(t, err)
		t.Cleanup(func() { require.NoError(t, s.Close()) })
		return s
	}}
}

// fill puts verifications into a store: v1 waits for a code, v2 for a password, v3 is
// done and parked for the handler "notify", v4 has failed, and v5 was just created.
func fill(t *testing.T, p place) *fsmtest.Bench {
	t.Helper()
	ctx := t.Context()
	store := p.open(t)
	b := fsmtest.NewWith(t, carrierfsm.Config{Store: store, Sealer: sealer(t)})
	failing := outbox.Handler(func(_ context.Context, tr carrierfsm.Transition) error {
		if tr.ID == "v3" && tr.Ended() {
			return errors.New("the mail server is down")
		}
		return nil
	})
	d := b.Dispatcher(outbox.Config{Handlers: map[string]outbox.Handler{"notify": failing}, RetryMin: 1, RetryMax: 1})
	b.Reach("10002")
	for i, codes := range [][]carrierfsm.ProcessCode{{}, {"10002", "10008"}, {"30000"}} {
		b.Clock.Advance(time.Minute)
		id := fmt.Sprintf("v%d", i+2)
		o := b.Create(carrierfsm.NewVerification{ID: id, Key: "key-of-" + id, Reference: "order-" + id})
		b.Clock.Advance(time.Second)
		o.Reach(codes...)
	}
	b.Clock.Advance(time.Minute)
	b.Create(carrierfsm.NewVerification{ID: "v5", Key: keyOf("13800138001"), Reference: "order-v5"})
	_, err := d.Deliver(ctx)
	require.Error(t, err)
	return b
}

// keyOf is the key of a number under numberSecret.
func keyOf(number string) string {
	secret, _ := base64.StdEncoding.DecodeString(numberSecret)
	h := hmac.New(sha256.New, secret)
	h.Write([]byte("carrierfsm number " + number))
	return base64.RawURLEncoding.EncodeToString(h.Sum(nil)[:18])
}

// masked are the values that differ from run to run: times that are not of the
// Bench's clock, places, and ids of acts.
var masked = regexp.MustCompile(`time=\S+ |20(2\d|3[1-9])-\d\d-\d\dT[0-9:.]+Z|[0-9a-f]{8}-[0-9a-f-]{27}`)

// play runs the commands of a file in testdata, the lines that begin with "$ ", and
// compares what they print: to standard output, to standard error behind "! ", and
// the exit code if it is not 0.
func (c command) play(name string) {
	c.t.Helper()
	path := filepath.Join("testdata", name)
	text, err := os.ReadFile(path)
	require.NoError(c.t, err)
	var got strings.Builder
	for line := range strings.Lines(string(text)) {
		line = strings.TrimRight(line, "\n")
		if strings.HasPrefix(line, "#") {
			_, _ = fmt.Fprintln(&got, line)
		}
		if !strings.HasPrefix(line, "$ ") {
			continue
		}
		args, in, _ := strings.Cut(line[2:], " <<< ")
		r := c.runWith(in, strings.Fields(args)...)
		if strings.Contains(args, "-o json") && r.code != 2 {
			require.True(c.t, json.Valid([]byte(r.out)), line)
		}
		_, _ = fmt.Fprintf(&got, "%s\n%s", line, r.out)
		for line := range strings.Lines(r.err) {
			_, _ = fmt.Fprintf(&got, "! %s", line)
		}
		if r.code != 0 {
			_, _ = fmt.Fprintf(&got, "exit %d\n", r.code)
		}
		_, _ = fmt.Fprintln(&got)
	}
	result := masked.ReplaceAllStringFunc(got.String(), func(s string) string {
		if strings.HasPrefix(s, "time=") {
			return ""
		}
		return "<now>"
	})
	if *update {
		require.NoError(c.t, os.WriteFile(path, []byte(result), 0o600))
		return
	}
	require.Empty(c.t, cmp.Diff(string(text), result), "%s (-want +got); -update rewrites it", path)
}
