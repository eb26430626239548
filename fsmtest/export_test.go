package fsmtest

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/carrierfsm/carrierfsm"
)

// PlayText plays a story from its text and tells how it differs.
func PlayText(t *testing.T, text string) error {
	t.Helper()
	path := filepath.Join(t.TempDir(), "story.txt")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		return err
	}
	return playFile(t, path, false, carrierfsm.Config{})
}

// RunRow runs one row and tells what is wrong with it.
func RunRow(t *testing.T, r Row) error {
	t.Helper()
	return r.run(t, carrierfsm.Config{})
}
