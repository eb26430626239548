package crashproof_test

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

var mutantsFlag = flag.String("mutants", "", "what gremlins has written: puts its figure into docs/mutation.md and docs/reliability.md")

// mutants is what came of mutation testing, as gremlins writes it.
type mutants struct {
	Files []struct {
		Name      string `json:"file_name"`
		Mutations []struct {
			Type, Status string
			Line, Column int
		}
	}
}

// The marks between which a document has the figure.
const (
	figureBegin = "<!-- figure: made by .ci/mutation -->\n"
	figureEnd   = "<!-- end of the figure -->\n"
)

// figure is a table, and what lives, with the line of the code.
func (m mutants) figure(code func(file string, line int) string) string {
	counts := make(map[string]int)
	var living strings.Builder
	for _, f := range m.Files {
		for _, mutant := range f.Mutations {
			counts[mutant.Status]++
			if mutant.Status == "LIVED" || mutant.Status == "NOT COVERED" {
				what := strings.ToLower(strings.ReplaceAll(mutant.Type, "_", " "))
				fmt.Fprintf(&living, "- `%s`, column %d: %s, in `%s`\n", f.Name, mutant.Column, what, code(f.Name, mutant.Line))
			}
		}
	}
	killed, lived := counts["KILLED"], counts["LIVED"]+counts["NOT COVERED"]
	return fmt.Sprintf("| mutants that compile | killed | of those that ended | hung | lived |\n|---:|---:|---:|---:|---:|\n| %d | %d | %.1f %% | %d | %d |\n\n%s",
		killed+lived+counts["TIMED OUT"], killed, 100*float64(killed)/float64(max(killed+lived, 1)), counts["TIMED OUT"], lived, living.String())
}

// codeLine is a line of a file of the root package.
func codeLine(file string, line int) string {
	text, err := os.ReadFile(filepath.Join(module, file))
	lines := strings.Split(string(text), "\n")
	if err != nil || line < 1 || line > len(lines) {
		return "?"
	}
	return strings.TrimSpace(lines[line-1])
}

// figureIn is what a document has between the marks, and what is around it.
func figureIn(document string) (before, figure, after string, found bool) {
	before, rest, found := strings.Cut(document, figureBegin)
	figure, after, ended := strings.Cut(rest, figureEnd)
	return before + figureBegin, figure, figureEnd + after, found && ended
}

func document(name string) string { return filepath.Join(module, "docs", name) }

// mutationFigure is the figure of docs/mutation.md.
func mutationFigure() (string, error) {
	text, err := os.ReadFile(document("mutation.md"))
	if err != nil {
		return "", err
	}
	_, figure, _, found := figureIn(string(text))
	if !found {
		return "", errors.New("docs/mutation.md has no marks for the figure")
	}
	return figure, nil
}

// With -mutants this writes the figure; without, it sees that both documents
// have the same, and that each mutant that lives has a reason.
func TestTheDocumentsTellWhichMutantsLiveAndWhy(t *testing.T) {
	figure, err := mutationFigure()
	require.NoError(t, err)
	if *mutantsFlag != "" {
		text, err := os.ReadFile(*mutantsFlag)
		require.NoError(t, err)
		var m mutants
		require.NoError(t, json.Unmarshal(text, &m))
		require.NotEmpty(t, m.Files)
		figure = m.figure(codeLine)
	}
	var reasons string
	for _, name := range []string{"mutation.md", "reliability.md"} {
		text, err := os.ReadFile(document(name))
		if errors.Is(err, fs.ErrNotExist) && name == "reliability.md" {
			continue // the first release run writes it
		}
		require.NoError(t, err)
		before, stands, after, found := figureIn(string(text))
		require.True(t, found, "%s has no marks for the figure", name)
		if *mutantsFlag != "" {
			require.NoError(t, os.WriteFile(document(name), []byte(before+figure+after), 0o644))
		} else {
			require.Equal(t, figure, stands, "%s: run .ci/mutation", name)
		}
		if name == "mutation.md" {
			reasons = after
		}
	}
	requireReasons(t, figure, reasons)
}

// requireReasons: the line of each mutant that lives is named once more.
func requireReasons(t *testing.T, figure, reasons string) {
	t.Helper()
	for line := range strings.Lines(figure) {
		if _, code, living := strings.Cut(line, ", in `"); living && strings.HasPrefix(line, "- ") {
			code = strings.TrimSuffix(strings.TrimSpace(code), "`")
			require.Contains(t, reasons, "`"+code+"`", "a mutant lives without a reason: %s", line)
		}
	}
}

func TestAMutantThatLivesIsListed(t *testing.T) {
	t.Parallel()
	var m mutants
	require.NoError(t, json.Unmarshal([]byte(`{"files": [{"file_name": "run.go", "mutations": [
		{"type": "CONDITIONALS_NEGATION", "status": "KILLED", "line": 1, "column": 2},
		{"type": "CONDITIONALS_NEGATION", "status": "KILLED", "line": 1, "column": 2},
		{"type": "CONDITIONALS_BOUNDARY", "status": "LIVED", "line": 7, "column": 3},
		{"type": "CONDITIONALS_NEGATION", "status": "TIMED OUT", "line": 1, "column": 2},
		{"type": "ARITHMETIC_BASE", "status": "NOT VIABLE", "line": 1, "column": 2}]}]}`), &m))
	figure := m.figure(func(string, int) string { return "a < b" })
	require.Contains(t, figure, "| 4 | 2 | 66.7 % | 1 | 1 |\n")
	require.Contains(t, figure, "- `run.go`, column 3: conditionals boundary, in `a < b`\n")
}
