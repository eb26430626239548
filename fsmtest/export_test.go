package fsmtest

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/carrierfsm/carrierfsm"
)

// RunText runs a story given as a text and returns how its output differs.
func RunText(t *testing.T, text string) error {
	t.Helper()
	path := filepath.Join(t.TempDir(), "story.txt")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		return err
	}
	return runStory(t, path, false, carrierfsm.Config{})
}

// RunRow runs one row of a table and returns what is wrong with it.
func RunRow(t *testing.T, r Row) error {
	t.Helper()
	return r.run(t, carrierfsm.Config{})
}

// DriveCore runs verifications on a store, with inputs and replies that choose
// chooses, and returns what the store did not keep.
func DriveCore(s carrierfsm.Store, choose func(n int) int, verifications int) error {
	return (&storeBench{StoreSubject: StoreSubject{Store: s}, ctx: context.Background()}).driveCore(choose, verifications)
}

// StoryWords are the commands of a story, and the answers of one word.
func StoryWords() (commands, answers []string) {
	for c := range storyCommands {
		commands = append(commands, c)
	}
	for a := range wordAnswers {
		answers = append(answers, a)
	}
	return commands, answers
}
