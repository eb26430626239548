package secondvendor_test

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"
)

// The code blocks of the document are parts of compiled files.
func TestTheCodeInTheDocumentsIsCompiled(t *testing.T) {
	t.Parallel()
	root := filepath.Join("..", "..")
	text, err := os.ReadFile(filepath.Join(root, "docs", "adapters.md"))
	require.NoError(t, err)
	blocks := regexp.MustCompile("(?s)<!-- code: (\\S+) -->\n```go\n(.*?)```").FindAllStringSubmatch(string(text), -1)
	require.Len(t, blocks, 3)
	for _, b := range blocks {
		source, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(b[1])))
		require.NoError(t, err)
		require.Contains(t, string(source), b[2], b[1])
	}
}
