package carrierfsm_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// sources walks all files of the module with this ending.
func sources(t *testing.T, ending string, f func(path, text string)) {
	t.Helper()
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() && strings.HasPrefix(path, ".git") && path != "." {
			return err
		}
		if !d.IsDir() && strings.HasSuffix(path, ending) {
			text, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			f(path, string(text))
		}
		return nil
	})
	require.NoError(t, err)
}
