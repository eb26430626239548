package crashproof_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"
)

// taggedSecret matches every submitted password: six digits and a tag.
var taggedSecret = regexp.MustCompile(`[0-9]{6}~[0-9]+\.[0-9]+`)

// leaks searches the files of a round for secrets: the logs of the replicas, the
// delivery log, and SQLite's files.
func leaks(t *testing.T, folder string) (found []violation) {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(folder, "*"))
	require.NoError(t, err)
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			continue // a socket
		}
		n := len(taggedSecret.FindAllIndex(text, -1))
		for _, number := range codeTag.FindAll(text, -1) {
			if _, ok := tagOfCode(string(number)); ok {
				n++
			}
		}
		if n > 0 {
			found = append(found, violation{leaked, filepath.Base(name), fmt.Sprintf("%d secrets", n)})
		}
	}
	return found
}

func TestALeakIsFound(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(folder, "replica0.log"), []byte("no code 5 ~ 3.1"), 0o600))
	require.Empty(t, leaks(t, folder))
	require.NoError(t, os.WriteFile(filepath.Join(folder, "store.db"), []byte("\x00code="+tag("123456", 3, "17")+"\x00"), 0o600))
	require.Len(t, leaks(t, folder), 1)
	require.NoError(t, os.WriteFile(filepath.Join(folder, "replica0.log"), []byte(`{"code":"`+tagCode("123456", 3, "18")+`"}`), 0o600))
	require.Len(t, leaks(t, folder), 2)
}
