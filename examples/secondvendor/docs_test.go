package secondvendor_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
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
	require.Len(t, blocks, 4)
	for _, b := range blocks {
		source, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(b[1])))
		require.NoError(t, err)
		require.Contains(t, string(source), b[2], b[1])
	}
}

// The document says how much is left to write in an adapter.
func TestTheFiguresInTheDocumentsAreThoseOfTheFiles(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(filepath.Join("..", "..", "docs", "adapters.md"))
	require.NoError(t, err)
	figures := regexp.MustCompile("`(\\w+\\.go)` \\((\\d+) lines\\)").FindAllStringSubmatch(string(text), -1)
	require.Len(t, figures, 2)
	for _, f := range figures {
		source, err := os.ReadFile(f[1])
		require.NoError(t, err)
		require.Equal(t, f[2], strconv.Itoa(strings.Count(string(source), "\n")), f[1])
	}
}
