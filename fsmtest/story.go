package fsmtest

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/carrierfsm/carrierfsm"
)

// RunStories runs every *.txt file of a folder as a subtest and compares the
// output with the file. With rewrite, it writes the output to the files instead. The
// grammar of stories is in the package's comment. Each story has a Bench of its own;
// answers and reports that are left over at its end fail it.
func RunStories(t *testing.T, dir string, rewrite bool) {
	t.Helper()
	RunStoriesWith(t, dir, rewrite, func() carrierfsm.Config { return carrierfsm.Config{} })
}

// RunStoriesWith is RunStories with a configuration for each story. The stories
// run in parallel, so cfg must be safe for concurrent use. It is as with NewWith;
// the Reporter is replaced.
func RunStoriesWith(t *testing.T, dir string, rewrite bool, cfg func() carrierfsm.Config) {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, "*.txt"))
	if err != nil || len(names) == 0 {
		t.Fatalf("no stories in %s (%v)", dir, err)
	}
	for _, name := range names {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".txt"), func(t *testing.T) {
			t.Parallel()
			if err := runStory(t, name, rewrite, cfg()); err != nil {
				t.Error(err)
			}
		})
	}
}

func runStory(tb testing.TB, name string, rewrite bool, cfg carrierfsm.Config) error {
	tb.Helper()
	want, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	got, err := interpret(tb, string(want), cfg)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	if rewrite {
		return os.WriteFile(name, []byte(got), 0o644)
	}
	if diff := cmp.Diff(lines(string(want)), lines(got)); diff != "" {
		return fmt.Errorf("%s: the output differs from the file (-file +output):\n%s", name, diff)
	}
	return nil
}

func lines(text string) []string { return strings.Split(text, "\n") }

// interpret runs the commands of a story and returns its text with their output.
func interpret(tb testing.TB, text string, cfg carrierfsm.Config) (string, error) {
	tb.Helper()
	reports := new(Reports)
	cfg.Reporter = reports
	i := &interpreter{Bench: NewWith(tb, cfg), reports: reports}
	var out bytes.Buffer
	for _, line := range lines(strings.TrimRight(text, "\n")) {
		command, isCommand := strings.CutPrefix(line, "> ")
		if !isCommand {
			if line == "" || strings.HasPrefix(line, "#") {
				out.WriteString(line + "\n")
			}
			continue
		}
		out.WriteString(line + "\n")
		printed, err := i.command(command)
		if err != nil {
			return "", fmt.Errorf("%q: %w", command, err)
		}
		for _, l := range printed {
			out.WriteString("  " + l + "\n")
		}
	}
	if n := reports.Left(); n > 0 {
		return "", fmt.Errorf("reports that were scripted are left over: %d", n)
	}
	err := i.Upstream.Check()
	i.Upstream.reset() // the error is returned
	return out.String(), err
}
