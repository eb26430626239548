package carrierfsm_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
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
	for _, name := range []string{"README.md", "README.zh-CN.md"} {
		readme := document(t, name)
		want, err := docs.WithPicture(readme)
		require.NoError(t, err)
		require.Empty(t, cmp.Diff(want, readme), "%s: run go generate", name)
	}
}

func document(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	require.NoError(t, err)
	return string(text)
}

// outline returns what a translation keeps: a line for each heading with its level,
// and in each section the code blocks without comments, and the code in the text, the
// links and the pictures, sorted.
func outline(text string) (list []string) {
	comment := regexp.MustCompile(`(?m)[ \t]*// .*$`)
	blocks := regexp.MustCompile("(?s)```.*?```")
	kept := regexp.MustCompile("`[^`\n]+`|\\]\\([^)]+\\)|Ctrl-C|聚信立|Go \\d\\.\\d+")
	text = strings.ReplaceAll(text, "[English](README.md)", "[简体中文](README.zh-CN.md)")
	for _, section := range regexp.MustCompile(`(?m)^#`).Split(blocks.ReplaceAllStringFunc(text, func(block string) string {
		list = append(list, comment.ReplaceAllString(block, ""))
		return ""
	}), -1) {
		level := strings.Repeat("#", strings.IndexFunc(section+" ", func(r rune) bool { return r != '#' }))
		found := kept.FindAllString(section, -1)
		slices.Sort(found)
		list = append(list, level+" "+strings.Join(found, " "))
	}
	return list
}

func TestTheChineseReadmeHasTheHeadingsCommandsAndLinksOfTheEnglishOne(t *testing.T) {
	t.Parallel()
	english, chinese := document(t, "README.md"), document(t, "README.zh-CN.md")
	require.Empty(t, cmp.Diff(outline(english), outline(chinese)))
	require.NotEqual(t, outline(english), outline(strings.Replace(chinese, "go get ", "go install ", 1)))
	require.NotEqual(t, outline(english), outline(strings.Replace(chinese, "## 保证", "### 保证", 1)))
	require.NotEqual(t, outline(english), outline(strings.Replace(chinese, "`-fault`", "", 1)))
	floor := regexp.MustCompile(`(?m)^go (\d+\.\d+)`).FindStringSubmatch(document(t, "go.mod"))[1]
	for _, name := range []string{"README.md", "README.zh-CN.md"} {
		require.Contains(t, document(t, name), "Go "+floor+" ", name)
	}
	require.Contains(t, document(t, "UPGRADING.md"), ", "+floor+".")
}

// All documents and the example end things in this order: requests, both Runs, the
// machine, the store.
func TestTheDocumentsStopThingsInOneOrder(t *testing.T) {
	t.Parallel()
	for name, steps := range map[string][]string{
		"README.md":                   {"end the requests", "both `Run`s", "m.Close(ctx)", "store.Close()"},
		"README.zh-CN.md":             {"先结束请求", "两个 `Run`", "m.Close(ctx)", "store.Close()"},
		"docs/operations.md":          {"end its listener and the requests", "dispatcher's `Run`", "`Machine.Close(ctx)`", "`Close` of the store"},
		"machine.go":                  {"ends Run and the dispatcher's Run first", "closes the", "then the store"},
		"examples/service/serve.go":   {"server.Shutdown(end)", "stop()\n\trunning.Wait()", "s.machine.Close(end)"},
		"examples/quickstart/main.go": {"defer func() { _ = store.Close() }()", "defer s.close(", "defer running.Wait()", "defer stop()"}, // the last one first
		"example_test.go":             {"stop()", "<-ended", "m.Close(", "store.Close()"},
	} {
		rest := document(t, name)
		for _, step := range steps {
			_, after, found := strings.Cut(rest, step)
			require.True(t, found, "%s: %q is not there, or too early", name, step)
			rest = after
		}
	}
}

// Each package that a host imports shows on pkg.go.dev how.
func TestEachPackageHasAnExample(t *testing.T) {
	t.Parallel()
	private := regexp.MustCompile(`(^|/)(examples|bench|internal|cmd)/`)
	has := make(map[string]bool)
	sources(t, ".go", func(path, text string) {
		room := filepath.ToSlash(filepath.Dir(path))
		if private.MatchString(room+"/") || packageMain.MatchString(text) {
			return
		}
		has[room] = has[room] || strings.HasSuffix(path, "_test.go") && strings.Contains(text, "\nfunc Example")
	})
	require.Greater(t, len(has), 10)
	for room, example := range has {
		require.True(t, example, "%s has no Example", room)
	}
}

// NOTICE lists the modules of go.mod, no other, with the licence that each has.
func TestTheNoticeHasEachModuleWithItsLicence(t *testing.T) {
	t.Parallel()
	required := regexp.MustCompile(`(?m)^\t([\w./-]+) v\S+`).FindAllStringSubmatch(document(t, "go.mod"), -1)
	listed := regexp.MustCompile(`(?m)^ {4}(\S+) +(\S+)`).FindAllStringSubmatch(document(t, "NOTICE"), -1)
	licences, want := make(map[string]string), make(map[string]bool)
	for _, m := range listed {
		require.NotContains(t, licences, m[1], "twice")
		licences[m[1]] = m[2]
	}
	query := []string{"list", "-m", "-f", "{{.Path}}\t{{.Dir}}"}
	for _, m := range required {
		want[m[1]] = true
		query = append(query, m[1])
	}
	for path := range licences {
		require.True(t, want[path], "%s is not in go.mod", path)
	}
	out, err := exec.CommandContext(t.Context(), "go", query...).Output()
	require.NoError(t, err)
	says := map[string]string{
		"Apache-2.0": "Apache License", "MIT": "Permission is hereby granted, free of charge",
		"BSD-3-Clause": "Neither the name", "MPL-2.0": "Mozilla Public License Version 2.0",
	}
	for line := range strings.Lines(string(out)) {
		path, dir, _ := strings.Cut(strings.TrimSpace(line), "\t")
		require.Contains(t, says, licences[path], "%s has no licence in NOTICE", path)
		if dir == "" {
			continue // not on this machine: Go needs it for none of the packages
		}
		files, err := filepath.Glob(filepath.Join(dir, "LICENSE*"))
		require.NoError(t, err)
		require.NotEmpty(t, files, path)
		texts := ""
		for _, file := range files {
			texts += document(t, file)
		}
		require.Contains(t, strings.Join(strings.Fields(texts), " "), says[licences[path]], path)
	}
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
		require.NotRegexp(t, `(?m)^(<{7}|>{7}) `, text, "%s has both sides of a merge", path)
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

func TestTheArchitectureHasEachFileOfTheRootOnce(t *testing.T) {
	t.Parallel()
	_, table, found := strings.Cut(document(t, "docs/architecture.md"), "The root's files, the tables first:\n\n")
	require.True(t, found)
	table, _, _ = strings.Cut(table, "\n\n")
	listed := []string{"doc.go"}
	for _, m := range regexp.MustCompile("`(\\w+\\.go)`").FindAllStringSubmatch(table, -1) {
		listed = append(listed, m[1])
	}
	files, err := filepath.Glob("*.go")
	require.NoError(t, err)
	files = slices.DeleteFunc(files, func(name string) bool { return strings.HasSuffix(name, "_test.go") })
	require.ElementsMatch(t, files, listed)
}

// The page on PostgreSQL has each table and each index that the migrations make.
func TestTheDocumentOfPostgresHasEachTableAndIndex(t *testing.T) {
	t.Parallel()
	page := document(t, "docs/postgres.md")
	made := 0
	sources(t, ".sql", func(path, text string) {
		if !strings.HasPrefix(filepath.ToSlash(path), "store/postgres/migrations/") {
			return
		}
		for _, m := range regexp.MustCompile(`(?m)^CREATE (TABLE|UNIQUE INDEX|INDEX) carrierfsm_(\w+)`).FindAllStringSubmatch(text, -1) {
			name := "`…" + m[2] + " "
			if m[1] == "TABLE" {
				name = "| `carrierfsm_" + m[2] + "` |"
			}
			require.Contains(t, page, name, path)
			made++
		}
	})
	require.Greater(t, made, 10)
}

// The arrows between the rooms, as docs/architecture.md draws them.
func TestRoomsImportOnlyWhatTheyMay(t *testing.T) {
	t.Parallel()
	const module = "github.com/carrierfsm/carrierfsm"
	may := map[string][]string{
		".": {
			"/internal/binding", "/internal/broadcast", "/internal/jsonfields", "/internal/lazydeadline", "/internal/lifetime", "/internal/semaphore", "/internal/text",
			"/internal/ttlmap", "/internal/wordset", "/internal/zeroing", "/budget", "/typed",
		},
		"budget":                {"/typed"},
		"typed":                 {},
		"upstream/juxinli":      {"", "/upstream/sendonce"},
		"upstream/sendonce":     {""},
		"upstream/simulator":    {},
		"store/memory":          {"", "/budget", "/outbox", "/store/acts", "/store/audit", "/store/figures", "/store/internal/lease", "/store/internal/legal", "/store/internal/slots", "/store/survey"},
		"store/sqlite":          {"", "/budget", "/internal/lifetime", "/outbox", "/store/acts", "/store/audit", "/store/figures", "/store/internal/batch", "/store/internal/lease", "/store/internal/legal", "/store/internal/slots", "/store/internal/write", "/store/schema", "/store/survey"},
		"telemetry":             {"", "/outbox"},
		"fsmtest":               {"", "/budget", "/outbox", "/store/acts", "/store/audit", "/store/figures", "/store/memory", "/store/survey", "/upstream/simulator"},
		"internal/docs":         {""},
		"internal/docgen":       {"/internal/docs"},
		"internal/deletecalls":  {},
		"console":               {"", "/outbox", "/store/acts", "/store/figures", "/typed"},
		"examples/quickstart":   {"", "/budget", "/outbox", "/store/sqlite", "/typed", "/upstream/juxinli", "/upstream/simulator"},
		"examples/secondvendor": {"", "/upstream/sendonce"},
		"httpapi":               {"", "/budget", "/typed"},
		"examples/service":      {"", "/budget", "/console", "/httpapi", "/outbox", "/store/acts", "/store/figures", "/store/memory", "/store/postgres", "/store/seal", "/store/sharded", "/store/sqlite", "/telemetry", "/upstream/juxinli", "/upstream/simulator"},
		"internal/embedding":    {},
		"internal/pgtest":       {},
		"internal/browsertest":  {},
		"internal/crashproof":   {},
		"internal/proof":        {},
		"internal/race":         {},
		"internal/house":        {},
		"internal/text":         {},
		"internal/wordset":      {},
		"internal/zeroing":      {},
		"internal/jsonfields":   {},
		"internal/lifetime":     {},
		"internal/semaphore":    {},
		"internal/lazydeadline": {},
		"internal/binding":      {},
		"internal/broadcast":    {},
		"internal/ttlmap":       {},
		"outbox":                {"", "/internal/broadcast", "/internal/text"},
		"store/sharded":         {"", "/budget", "/outbox", "/store/acts", "/store/audit", "/store/figures", "/store/internal/slots", "/store/survey"},
		"store/seal":            {"", "/internal/zeroing"},
		"store/schema":          {},
		"store/survey":          {""},
		"store/audit":           {"", "/store/survey"},
		"store/acts":            {"", "/internal/text"},
		"store/figures":         {"", "/outbox"},
		"store/postgres": {
			"", "/budget", "/internal/lifetime", "/internal/ttlmap", "/outbox", "/store/acts", "/store/audit", "/store/figures", "/store/internal/batch", "/store/internal/legal", "/store/internal/slots", "/store/internal/write", "/store/schema", "/store/survey",
		},
		"store/internal/batch": {},
		"store/internal/lease": {},
		"store/internal/legal": {"", "/budget", "/internal/text", "/outbox", "/store/acts"},
		"store/internal/slots": {},
		"store/internal/write": {"", "/store/internal/batch"},
		"bench":                {},

		"cmd/carrierfsm": {"", "/budget", "/outbox", "/store/acts", "/store/audit", "/store/postgres", "/store/schema", "/store/seal", "/store/sharded", "/store/sqlite", "/store/survey", "/upstream/simulator"},

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
