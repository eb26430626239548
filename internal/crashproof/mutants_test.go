package crashproof_test

import (
	"cmp"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

var mutantsFlag = flag.String("mutants", "", "what gremlins has said: puts its figure into docs/mutation.md and docs/reliability.md")

// mutant is one small change of the code, and what came of it.
type mutant struct {
	kind, file   string
	line, column int
	status       string
}

// mutantLine is a line of gremlins'.
var mutantLine = regexp.MustCompile(`^ *(KILLED|LIVED|TIMED OUT|NOT VIABLE|RUNNABLE) (\w+) at (\w+\.go):(\d+):(\d+)$`)

// mutantsIn reads what gremlins said in one run after the other, of which the
// first only tells what there is to be tried. Where one was tried again, the
// last word counts.
func mutantsIn(said string) (list []mutant) {
	at := make(map[mutant]int)
	for line := range strings.Lines(said) {
		part := mutantLine.FindStringSubmatch(strings.TrimRight(line, "\n"))
		if part == nil {
			continue
		}
		m := mutant{kind: part[2], file: part[3]}
		m.line, _ = strconv.Atoi(part[4])
		m.column, _ = strconv.Atoi(part[5])
		i, known := at[m]
		switch {
		case known:
			list[i].status = part[1]
		case part[1] == "RUNNABLE": // what only an older run knows is gone
			at[m] = len(list)
			m.status = part[1]
			list = append(list, m)
		}
	}
	slices.SortStableFunc(list, func(a, b mutant) int {
		return cmp.Or(cmp.Compare(a.file, b.file), cmp.Compare(a.line, b.line), cmp.Compare(a.column, b.column))
	})
	return list
}

// The marks between which a document has the figure.
const (
	figureBegin = "<!-- figure: made by .ci/mutation -->\n"
	figureEnd   = "<!-- end of the figure -->\n"
)

// mutationTable is a table, and what lives, with the line of the code. It tells of
// which files not all was tried.
func mutationTable(list []mutant, code func(file string, line int) string) string {
	counts, left, files := make(map[string]int), make(map[string]int), make(map[string]int)
	var living strings.Builder
	for _, m := range list {
		counts[m.status]++
		files[m.file]++
		switch m.status {
		case "RUNNABLE":
			left[m.file]++
		case "LIVED":
			what := strings.ToLower(strings.ReplaceAll(m.kind, "_", " "))
			fmt.Fprintf(&living, "- `%s`, column %d: %s, in `%s`\n", m.file, m.column, what, code(m.file, m.line))
		}
	}
	text := "| mutants | tried | do not compile | killed | of those that ended | hung | lived |\n|---:|---:|---:|---:|---:|---:|---:|\n"
	text += fmt.Sprintf("| %d | %d | %d | %d | %.1f %% | %d | %d |\n", len(list), len(list)-counts["RUNNABLE"], counts["NOT VIABLE"],
		counts["KILLED"], 100*float64(counts["KILLED"])/float64(max(counts["KILLED"]+counts["LIVED"], 1)), counts["TIMED OUT"], counts["LIVED"])
	if len(left) > 0 {
		text += "\nNot tried:"
		for _, file := range slices.Sorted(maps.Keys(left)) {
			text += fmt.Sprintf(" `%s` %d of %d,", file, left[file], files[file])
		}
		text = strings.TrimSuffix(text, ",") + ".\n"
	}
	if living.Len() > 0 {
		text += "\n" + living.String()
	}
	return text
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
	want, err := mutationFigure()
	require.NoError(t, err)
	if *mutantsFlag != "" {
		text, err := os.ReadFile(*mutantsFlag)
		require.NoError(t, err)
		list := mutantsIn(string(text))
		require.NotEmpty(t, list)
		want = mutationTable(list, codeLine)
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
			require.NoError(t, os.WriteFile(document(name), []byte(before+want+after), 0o644))
		} else {
			require.Equal(t, want, stands, "%s: run .ci/mutation", name)
		}
		if name == "mutation.md" {
			reasons = after
		}
	}
	requireReasons(t, want, reasons)
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

func TestAMutantThatLivesIsListedAndOneThatWasNotTriedIsTold(t *testing.T) {
	t.Parallel()
	list := mutantsIn(`
    RUNNABLE CONDITIONALS_NEGATION at run.go:1:2
    RUNNABLE CONDITIONALS_BOUNDARY at run.go:1:2
    RUNNABLE CONDITIONALS_BOUNDARY at run.go:7:3
    RUNNABLE CONDITIONALS_NEGATION at run.go:9:2
    RUNNABLE ARITHMETIC_BASE at run.go:9:2
    RUNNABLE ARITHMETIC_BASE at body.go:9:2
Dry run completed
      KILLED CONDITIONALS_NEGATION at run.go:1:2
       LIVED CONDITIONALS_BOUNDARY at run.go:1:2
       LIVED CONDITIONALS_BOUNDARY at run.go:7:3
       LIVED CONDITIONALS_BOUNDARY at run.go:8:3
   TIMED OUT CONDITIONALS_NEGATION at run.go:9:2
  NOT VIABLE ARITHMETIC_BASE at run.go:9:2
      KILLED CONDITIONALS_BOUNDARY at run.go:1:2
`)
	text := mutationTable(list, func(string, int) string { return "a < b" })
	require.Contains(t, text, "| 6 | 5 | 1 | 2 | 66.7 % | 1 | 1 |\n")
	require.Contains(t, text, "Not tried: `body.go` 1 of 1.\n")
	require.Equal(t, 1, strings.Count(text, "\n- "), text)
	require.Contains(t, text, "- `run.go`, column 3: conditionals boundary, in `a < b`\n")
}
