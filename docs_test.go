package carrierfsm_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm/internal/docs"
)

func TestTheGeneratedDocumentsAreThoseOfTheTables(t *testing.T) {
	t.Parallel()
	documents, err := docs.Generated(".")
	require.NoError(t, err)
	for name, want := range documents {
		got, err := os.ReadFile(name)
		require.NoError(t, err)
		require.Empty(t, cmp.Diff(want, string(got)), "%s: run go generate", name)
	}
	readme, err := os.ReadFile("README.md")
	require.NoError(t, err)
	want, err := docs.WithPicture(string(readme))
	require.NoError(t, err)
	require.Empty(t, cmp.Diff(want, string(readme)), "README.md: run go generate")
}

func TestTheDocumentsNameWhatExists(t *testing.T) {
	t.Parallel()
	tests := make(map[string]bool)
	declared := regexp.MustCompile(`(?m)^func ((?:Test|Fuzz|Example|Benchmark)\w+)`)
	sources(t, "_test.go", func(_, text string) {
		for _, m := range declared.FindAllStringSubmatch(text, -1) {
			tests[m[1]] = true
		}
	})
	named := regexp.MustCompile("`(Test[A-Z]\\w+)`")
	link := regexp.MustCompile(`\]\(([^)#:]+)\)`)
	code := regexp.MustCompile("(?s)```.*?```") // f[T](x) is no link
	sources(t, ".md", func(path, text string) {
		text = code.ReplaceAllString(text, "")
		for _, m := range named.FindAllStringSubmatch(text, -1) {
			require.True(t, tests[m[1]], "%s names %s, which is not there", path, m[1])
		}
		for _, m := range link.FindAllStringSubmatch(text, -1) {
			_, err := os.Stat(filepath.Join(filepath.Dir(path), m[1]))
			require.NoError(t, err, "%s links to %s", path, m[1])
		}
	})
}

// The arrows between the rooms, as docs/architecture.md draws them.
func TestRoomsImportOnlyWhatTheyMay(t *testing.T) {
	t.Parallel()
	const module = "github.com/carrierfsm/carrierfsm"
	may := map[string][]string{
		".":                     {},
		"upstream/juxinli":      {""},
		"upstream/simulator":    {},
		"store/memory":          {"", "/store/internal/lease"},
		"store/sqlite":          {"", "/store/internal/batch", "/store/internal/lease", "/store/internal/write"},
		"telemetry":             {""},
		"fsmtest":               {"", "/store/memory", "/upstream/simulator"},
		"internal/docs":         {""},
		"internal/docgen":       {"/internal/docs"},
		"console":               {""},
		"examples/quickstart":   {"", "/store/sqlite", "/upstream/juxinli", "/upstream/simulator"},
		"examples/secondvendor": {""},
		"examples/service":      {"", "/console", "/store/memory", "/store/postgres", "/store/sqlite", "/telemetry", "/upstream/juxinli", "/upstream/simulator"},
		"internal/pgtest":       {},
		"internal/browsertest":  {},
		"internal/crashproof":   {},
		"store/postgres":        {"", "/store/internal/batch", "/store/internal/write"},
		"store/internal/batch":  {},
		"store/internal/lease":  {},
		"store/internal/write":  {"", "/store/internal/batch"},
		"bench":                 {},

		"store/internal/writetest": {"", "/store/internal/write"}, // draws requests for the tests of two stores
	}
	imported := regexp.MustCompile(`(?m)^\s*(?:import )?(?:_ |\w+ )?"([^"]+)"`)
	sources(t, ".go", func(path, text string) {
		if strings.HasSuffix(path, "_test.go") {
			return
		}
		room := filepath.ToSlash(filepath.Dir(path))
		if strings.HasPrefix(room, "bench/") {
			return // modules of their own, which nobody imports
		}
		allowed, known := may[room]
		require.True(t, known, "the room %s is not in this test", room)
		head, _, _ := strings.Cut(text, "\n)")
		for _, m := range imported.FindAllStringSubmatch(head, -1) {
			rest, ours := strings.CutPrefix(m[1], module)
			if ours {
				require.Contains(t, allowed, rest, "%s imports %s", path, m[1])
			}
			if room != "fsmtest" && room != "internal/pgtest" && room != "internal/browsertest" {
				require.NotEqual(t, "testing", m[1], path)
			}
			if strings.HasPrefix(m[1], "go.opentelemetry.io/") && !strings.HasPrefix(room, "examples/") {
				require.Equal(t, "telemetry", room, "%s imports %s", path, m[1])
				require.NotContains(t, m[1], "/sdk", "the SDK is the host's")
			}
			if room == "console" {
				require.True(t, ours || !strings.Contains(m[1], "."), "%s imports %s, which is not of the standard library", path, m[1])
			}
			if m[1] == "github.com/looplab/fsm" {
				require.Equal(t, "transitions.go", path, "looplab stays in one file")
			}
		}
	})
}

func TestNoFileIsLong(t *testing.T) {
	t.Parallel()
	sources(t, ".go", func(path, text string) {
		require.LessOrEqual(t, strings.Count(text, "\n"), 400, path)
	})
}
