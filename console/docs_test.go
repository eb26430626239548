package console_test

import (
	"os"
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"
)

// The document's code blocks are parts of the compiled example.
func TestTheDocumentShowsTheExample(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../docs/console.md")
	require.NoError(t, err)
	blocks := regexp.MustCompile("(?s)<!-- code: (\\S+) -->\n```go\n(.*?)```").FindAllStringSubmatch(string(text), -1)
	require.Len(t, blocks, 2)
	for _, b := range blocks {
		source, err := os.ReadFile("../" + b[1])
		require.NoError(t, err)
		require.Contains(t, string(source), b[2], "docs/console.md shows what %s does not hold", b[1])
	}
}
