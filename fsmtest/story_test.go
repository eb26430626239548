package fsmtest_test

import (
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/fsmtest"
	"github.com/carrierfsm/carrierfsm/store/memory"
)

var rewrite = flag.Bool("rewrite", false, "write the stories in testdata as the code tells them now")

// undriven are the edges that no story can drive: those of the password reset,
// whose inputs come later; those from applied, which is left in the commit that
// enters it; and a form can't be answered with something unrecognized, since
// the port knows only accepted and refused.
func undriven(e carrierfsm.Edge) bool {
	switch e.Event {
	case carrierfsm.ResetCaptchaRequested, carrierfsm.NewPasswordRejected, carrierfsm.PasswordReset, carrierfsm.ResetFailed:
		return true
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
		if !undriven(e) {
			missing = append(missing, e)
		}
	}
	require.Empty(t, missing, "no story drives these edges")
	for _, e := range carrierfsm.Edges() {
		if undriven(e) {
			require.Zero(t, covered.Driven(e), "%v is driven after all", e)
		}
	}
}

func TestAStoryThatIsToldOtherwiseFails(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"another outcome":  "> apply\n  created → done: collection_started\n",
		"nothing told":     "> apply\n",
		"no such command":  "> dance\n",
		"no such duration": "> advance soon\n",
		"nothing to end":   "> end\n",
		"nothing held":     "> begin apply\n",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Error(t, fsmtest.PlayText(t, text))
		})
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
