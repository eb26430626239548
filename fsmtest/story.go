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

// RunStories plays every *.txt file of a folder as a subtest and compares what
// comes out with what the file says. With rewrite, it writes the files anew
// instead; commit a change only when you understand it.
//
// A story is a text file. A line that begins with "> " is a command, a line
// that begins with "#" is for the reader, and the indented lines behind a
// command are what came of it. The commands are those of storyCommands.
func RunStories(t *testing.T, dir string, rewrite bool) {
	t.Helper()
	RunStoriesWith(t, dir, rewrite, func() carrierfsm.Config { return carrierfsm.Config{} })
}

// RunStoriesWith is RunStories with a configuration for each story's machine.
// The stories run at once, and so cfg is called.
func RunStoriesWith(t *testing.T, dir string, rewrite bool, cfg func() carrierfsm.Config) {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, "*.txt"))
	if err != nil || len(names) == 0 {
		t.Fatalf("no stories in %s (%v)", dir, err)
	}
	for _, name := range names {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".txt"), func(t *testing.T) {
			t.Parallel()
			if err := playFile(t, name, rewrite, cfg()); err != nil {
				t.Error(err)
			}
		})
	}
}

func playFile(tb testing.TB, name string, rewrite bool, cfg carrierfsm.Config) error {
	tb.Helper()
	written, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	played, err := play(tb, string(written), cfg)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	if rewrite {
		return os.WriteFile(name, []byte(played), 0o644)
	}
	if diff := cmp.Diff(lines(string(written)), lines(played)); diff != "" {
		return fmt.Errorf("%s tells it otherwise (-file +now):\n%s", name, diff)
	}
	return nil
}

func lines(text string) []string { return strings.Split(text, "\n") }

// play plays the commands of a text and returns it with what comes of them now.
func play(tb testing.TB, text string, cfg carrierfsm.Config) (string, error) {
	tb.Helper()
	reports := new(Reports)
	cfg.Reporter = reports
	s := &stage{Bench: NewWith(tb, cfg), reports: reports}
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
		said, err := s.command(command)
		if err != nil {
			return "", fmt.Errorf("%q: %w", command, err)
		}
		for _, l := range said {
			out.WriteString("  " + l + "\n")
		}
	}
	return out.String(), nil
}
