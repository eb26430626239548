package fsmtest_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/hex"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/fsmtest"
	"github.com/carrierfsm/carrierfsm/store/memory"
	"github.com/carrierfsm/carrierfsm/store/sqlite"
)

var rewrite = flag.Bool("rewrite", false, "write the present output of the stories to testdata")

// unreachable reports whether no story can take the edge: the state applied is left
// in the commit that enters it, and Upstream.Apply returns only accepted or refused.
func unreachable(e carrierfsm.Edge) bool {
	switch e.Event {
	case carrierfsm.ReplyUnrecognized:
		return e.From == carrierfsm.Created
	default:
		return e.From == carrierfsm.Applied && e.Event != carrierfsm.PasswordRequested
	}
}

func TestStories(t *testing.T) {
	t.Parallel()
	covered := fsmtest.NewCoverage()
	t.Run("all", func(t *testing.T) {
		fsmtest.RunStoriesWith(t, "testdata", *rewrite, func() carrierfsm.Config {
			return carrierfsm.Config{Store: covered.Watch(memory.New())}
		})
	})
	var missing []carrierfsm.Edge
	for _, e := range covered.Missing() {
		if !unreachable(e) {
			missing = append(missing, e)
		}
	}
	require.Empty(t, missing, "no story takes these edges")
	for _, e := range carrierfsm.Edges() {
		if unreachable(e) {
			require.Zero(t, covered.Taken(e), "%v was taken", e)
		}
	}
}

// The stories run on SQLite files with debug logs. No password and no code may be
// in the files or in the log.
func TestNoSecretOfAnyStoryIsKept(t *testing.T) {
	t.Parallel()
	var logged lockedBuffer
	logger := slog.New(slog.NewJSONHandler(&logged, &slog.HandlerOptions{Level: slog.LevelDebug, ReplaceAttr: withoutTime}))
	dir := t.TempDir()
	var files atomic.Int64
	t.Run("all", func(all *testing.T) {
		fsmtest.RunStoriesWith(all, "testdata", false, func() carrierfsm.Config {
			store, err := sqlite.Open(context.Background(), filepath.Join(dir, fmt.Sprintf("%d.db", files.Add(1))))
			require.NoError(all, err)
			t.Cleanup(func() { require.NoError(t, store.Close()) }) // after the search, which covers the write-ahead logs
			return carrierfsm.Config{Store: store, Logger: logger}
		})
	})
	searched := map[string][]byte{"the log": logged.Bytes()}
	names, err := filepath.Glob(filepath.Join(dir, "*.db*"))
	require.NoError(t, err)
	require.GreaterOrEqual(t, len(names), 2*int(files.Load()))
	for _, name := range names {
		searched[filepath.Base(name)], err = os.ReadFile(name)
		require.NoError(t, err)
	}
	secrets := typed(t)
	require.Greater(t, len(secrets), 10)
	for where, content := range searched {
		for _, secret := range secrets {
			for _, form := range []string{secret, hex.EncodeToString([]byte(secret)), base64.RawStdEncoding.EncodeToString([]byte(secret))} {
				require.NotContains(t, string(content), form, "%s contains a secret", where)
			}
		}
	}
}

// withoutTime drops the time of a line, whose fraction of a second could contain
// the digits of a code.
func withoutTime(groups []string, a slog.Attr) slog.Attr {
	if len(groups) == 0 && a.Key == slog.TimeKey {
		return slog.Attr{}
	}
	return a
}

// typed returns the passwords and codes of six digits of all stories.
func typed(t *testing.T) (secrets []string) {
	t.Helper()
	names, err := filepath.Glob("testdata/*.txt")
	require.NoError(t, err)
	word := regexp.MustCompile(`(?m)^> .*\b(?:password|query|captcha|with) ([0-9]{6})\b`)
	for _, name := range names {
		text, err := os.ReadFile(name)
		require.NoError(t, err)
		for _, m := range word.FindAllStringSubmatch(string(text), -1) {
			secrets = append(secrets, m[1])
		}
	}
	slices.Sort(secrets)
	return slices.Compact(secrets)
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) Bytes() []byte {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.b.Bytes())
}

func TestAStoryWithAnotherOutputFails(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"another output":  "> apply\n  created → done: collection_started\n",
		"no output":       "> apply\n",
		"unknown command": "> dance\n",
		"no duration":     "> advance soon\n",
		"nothing begun":   "> end\n",
		"nothing held":    "> begin apply\n",
		"an answer left":  "> upstream 10002\n",
		"a report left":   "> report ready\n",
		"no answer left": "> apply\n  created → applied: application_accepted\n  applied → awaiting_password: password_requested\n" +
			"  asks for password at step 2 because of password_requested, 2 left, for 10m0s\n> password 246810\n" +
			"  awaiting_password → awaiting_password: upstream_unavailable\n" +
			"  asks for password at step 3 because of upstream_unavailable, 2 left, for 10m0s\n",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Error(t, fsmtest.RunText(t, text))
		})
	}
}

// The grammar in the package's comment has every command and every answer.
func TestTheGrammarOfStoriesIsComplete(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("doc.go")
	require.NoError(t, err)
	commands, answers := fsmtest.StoryWords()
	commands = append(commands, "apply", "password", "query", "captcha", "resend", "reset", "reset-captcha", "skip", "cancel", "at")
	for _, word := range append(commands, append(answers, "accept", "next", "tpl", "10002+", "held", "ignore-context")...) {
		require.Contains(t, string(text), `"`+word+`"`)
	}
}

func TestAStoryIsRewritten(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "a.txt")
	require.NoError(t, os.WriteFile(path, []byte("# for the reader\n> cancel\n  nonsense\n"), 0o600))
	fsmtest.RunStories(t, dir, true)
	t.Cleanup(func() {
		text, err := os.ReadFile(path)
		require.NoError(t, err)
		require.Empty(t, cmp.Diff("# for the reader\n> cancel\n  created → failed: canceled\n  failed at step 1: canceled\n", string(text)))
	})
}
