package embedding_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/carrierfsm/carrierfsm/internal/pgtest"
)

var cluster pgtest.Shared

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.Cleanup(func(code int) {
		if cluster.Close() != nil {
			code = 1
		}
		os.Exit(code)
	}))
}

// blocks returns the blocks of the guide that have a name in the comment before them.
func blocks(t *testing.T) map[string]string {
	t.Helper()
	guide, err := os.ReadFile("../../docs/embedding.md")
	require.NoError(t, err)
	list := make(map[string]string)
	for _, m := range regexp.MustCompile("(?s)<!-- (\\S+) -->\n```go\n(.*?)```").FindAllStringSubmatch(string(guide), -1) {
		require.NotContains(t, list, m[1])
		list[m[1]] = m[2]
	}
	require.Len(t, list, 7)
	require.Equal(t, len(list), strings.Count(string(guide), "```go\n"), "each block of Go has a name")
	return list
}

// module is a module outside this tree.
type module struct {
	t   *testing.T
	dir string
}

// newModule makes a module of files that uses this tree. The go command finds all modules in
// the cache: go.sum is this tree's.
func newModule(t *testing.T, files map[string]string) *module {
	t.Helper()
	tree, err := filepath.Abs("../..")
	require.NoError(t, err)
	m := &module{t: t, dir: t.TempDir()}
	sum, err := os.ReadFile("../../go.sum")
	require.NoError(t, err)
	own, err := os.ReadFile("../../go.mod")
	require.NoError(t, err)
	version := regexp.MustCompile(`(?m)^go .*$`).FindString(string(own))
	m.write("go.sum", string(sum))
	m.write("go.mod", "module example.com/host\n\n"+version+"\n\nrequire github.com/carrierfsm/carrierfsm v0.0.0\n\nreplace github.com/carrierfsm/carrierfsm => "+tree+"\n")
	for name, text := range files {
		m.write(name, text)
	}
	return m
}

// requireAll adds what this tree requires. Else the go command reads the requirements of
// more modules than the tests of this tree bring into the cache.
func (m *module) requireAll() {
	m.t.Helper()
	own, err := os.ReadFile("../../go.mod")
	require.NoError(m.t, err)
	file, err := os.ReadFile(filepath.Join(m.dir, "go.mod"))
	require.NoError(m.t, err)
	for _, block := range regexp.MustCompile(`(?ms)^require \(.*?^\)\n`).FindAll(own, -1) {
		file = append(file, block...)
	}
	m.write("go.mod", string(file))
}

func (m *module) write(name, text string) {
	m.t.Helper()
	path := filepath.Join(m.dir, filepath.FromSlash(name))
	require.NoError(m.t, os.MkdirAll(filepath.Dir(path), 0o700))
	require.NoError(m.t, os.WriteFile(path, []byte(text), 0o600))
}

// run runs a command in the module, without the network, and returns its output.
func (m *module) run(name string, args ...string) string {
	m.t.Helper()
	c := exec.CommandContext(m.t.Context(), name, args...)
	c.Dir = m.dir
	c.Env = append(os.Environ(), "GOFLAGS=-mod=mod", "GOPROXY=off", "GOWORK=off", "PGOPTIONS=--client-min-messages=warning")
	out, err := c.CombinedOutput()
	require.NoError(m.t, err, "%s %v: %s", name, args, out)
	return string(out)
}

// lines counts the lines of code without the blank ones.
func lines(text string) int {
	return len(regexp.MustCompile(`(?m)^.*\S.*$`).FindAllString(text, -1))
}

// What a host has to write, and what it has to take in.
func TestEmbeddingStaysSmall(t *testing.T) {
	t.Parallel()
	b := blocks(t)
	_, body, _ := strings.Cut(b["notify_test.go"], ")\n\n")
	require.LessOrEqual(t, lines(b["verification.go"]), 25, "a minimal embedding")
	require.LessOrEqual(t, lines(b["postgres/verification.go"]), lines(b["verification.go"])+3, "PostgreSQL")
	require.LessOrEqual(t, lines(b["handler"]), 8, "a handler")
	require.LessOrEqual(t, lines(body), 10, "its test")

	m := newModule(t, map[string]string{"verification.go": b["verification.go"], "main.go": b["main.go"]})
	m.run("go", "build", "-o", "host", ".")
	m.run("go", "vet", ".")
	require.LessOrEqual(t, strings.Count(m.run("go", "mod", "graph"), "\n"), 97, "of a host with SQLite")

	const quickstart = "github.com/carrierfsm/carrierfsm/examples/quickstart"
	modules := make(map[string]bool)
	for _, path := range strings.Fields(m.run("go", "list", "-deps", "-f", "{{with .Module}}{{.Path}}{{end}}", quickstart)) {
		modules[path] = true
	}
	require.LessOrEqual(t, len(modules), 1+10, "what the first start of the quickstart downloads, beside this module")
}
