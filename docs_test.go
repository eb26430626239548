package carrierfsm_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
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
	code := regexp.MustCompile("(?s)```.*?```") // f[T](x) is not a link
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
		".": {
			"/internal/broadcast", "/internal/jsonfields", "/internal/lazydeadline", "/internal/lifetime", "/internal/semaphore", "/internal/text",
			"/internal/ttlmap", "/internal/wordset", "/typed",
		},
		"typed":                 {},
		"upstream/juxinli":      {"", "/upstream/sendonce"},
		"upstream/sendonce":     {""},
		"upstream/simulator":    {},
		"store/memory":          {"", "/outbox", "/store/internal/lease", "/store/internal/legal", "/store/survey"},
		"store/sqlite":          {"", "/internal/lifetime", "/outbox", "/store/internal/batch", "/store/internal/lease", "/store/internal/legal", "/store/internal/write", "/store/schema", "/store/survey"},
		"telemetry":             {"", "/outbox"},
		"fsmtest":               {"", "/outbox", "/store/memory", "/store/survey", "/upstream/simulator"},
		"internal/docs":         {""},
		"internal/docgen":       {"/internal/docs"},
		"internal/deletecalls":  {},
		"console":               {"", "/outbox", "/store/survey"},
		"examples/quickstart":   {"", "/outbox", "/store/sqlite", "/typed", "/upstream/juxinli", "/upstream/simulator"},
		"examples/secondvendor": {"", "/upstream/sendonce"},
		"examples/service":      {"", "/console", "/outbox", "/store/memory", "/store/postgres", "/store/seal", "/store/sqlite", "/store/survey", "/telemetry", "/typed", "/upstream/juxinli", "/upstream/simulator"},
		"internal/pgtest":       {},
		"internal/browsertest":  {},
		"internal/crashproof":   {},
		"internal/proof":        {},
		"internal/race":         {},
		"internal/house":        {},
		"internal/text":         {},
		"internal/wordset":      {},
		"internal/jsonfields":   {},
		"internal/lifetime":     {},
		"internal/semaphore":    {},
		"internal/lazydeadline": {},
		"internal/broadcast":    {},
		"internal/ttlmap":       {},
		"outbox":                {"", "/internal/text"},
		"store/seal":            {""},
		"store/schema":          {},
		"store/survey":          {""},
		"store/postgres": {
			"", "/internal/lifetime", "/internal/ttlmap", "/outbox", "/store/internal/batch", "/store/internal/legal", "/store/internal/write", "/store/schema", "/store/survey",
		},
		"store/internal/batch": {},
		"store/internal/lease": {},
		"store/internal/legal": {"", "/internal/text", "/outbox"},
		"store/internal/write": {"", "/store/internal/batch"},
		"bench":                {},

		"upstream/simulator/cmd": {"/upstream/simulator"}, // a program

		"store/internal/writetest": {"", "/store/internal/write"}, // draws requests for the tests of two stores
	}
	imported := regexp.MustCompile(`(?m)^\s*(?:import )?(?:_ |\w+ )?"([^"]+)"`)
	sources(t, ".go", func(path, text string) {
		if strings.HasSuffix(path, "_test.go") {
			return
		}
		room := filepath.ToSlash(filepath.Dir(path))
		if strings.HasPrefix(room, "bench/") {
			return // modules of their own
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

// loud are the ways to write to the process's own logger or output.
var loud = regexp.MustCompile(`^(log\.\w+|fmt\.Print\w*|os\.Std(out|err)|print(ln)?|slog\.(Default|SetDefault|With|Log(Attrs)?|(Debug|Info|Warn|Error)(Context)?))$`)

// loudIn returns the uses of them in a Go file.
func loudIn(t *testing.T, path, text string) (list []string) {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), path, text, 0)
	require.NoError(t, err)
	for _, i := range file.Imports {
		if i.Path.Value == `"log"` {
			list = append(list, "log")
		}
	}
	note := func(name string) {
		if loud.MatchString(name) {
			list = append(list, name)
		}
	}
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.SelectorExpr:
			if of, ok := n.X.(*ast.Ident); ok {
				note(of.Name + "." + n.Sel.Name)
			}
		case *ast.CallExpr:
			if f, ok := n.Fun.(*ast.Ident); ok {
				note(f.Name)
			}
		}
		return true
	})
	return list
}

var packageMain = regexp.MustCompile(`(?m)^package main$`)

func TestProductionPackagesLogOnlyToTheLoggerTheyAreGiven(t *testing.T) {
	t.Parallel()
	sources(t, ".go", func(path, text string) {
		program := strings.HasPrefix(path, "examples/") || strings.HasPrefix(path, "bench/") ||
			strings.HasPrefix(path, "internal/browsertest/") || packageMain.MatchString(text)
		if !strings.HasSuffix(path, "_test.go") && !program {
			require.Empty(t, loudIn(t, path, text), path)
		}
	})
	require.ElementsMatch(t, []string{"log", "log.Fatal", "slog.InfoContext", "os.Stderr", "println"}, loudIn(t, "loud.go", `package loud
import ("log"; "log/slog"; "os")
func f(l *slog.Logger) { log.Fatal(); slog.InfoContext(nil, ""); l.InfoContext(nil, ""); println(os.Stderr == nil); slog.New(slog.DiscardHandler) }`))
}

// sources calls f for all files of the module with this ending.
func sources(t *testing.T, ending string, f func(path, text string)) {
	t.Helper()
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() && strings.HasPrefix(path, ".git") && path != "." {
			return err
		}
		if d.IsDir() && d.Name() == "testdata" {
			return fs.SkipDir
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
