package crashproof_test

import (
	"cmp"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

var mutantsFlag = flag.String("mutants", "", "output of gremlins and deletecalls: writes its figures into docs/mutation.md and docs/reliability.md, and docs/mutation-raw.md")

// mutant is one small change of the code, and its result.
type mutant struct {
	kind, file   string
	line, column int
	status       string
}

// mutantLine is a line of the output of gremlins or deletecalls.
var mutantLine = regexp.MustCompile(`^ *(KILLED|LIVED|TIMED OUT|NOT VIABLE|RUNNABLE) (\w+) at ((?:\w+/)*\w+\.go):(\d+):(\d+)$`)

// mutantsIn reads the output of several runs, of which the first is a dry run that lists what there is to try. If a mutant was tried again, its
// latest result counts.
func mutantsIn(output string) (list []mutant) {
	at := make(map[mutant]int)
	for line := range strings.Lines(output) {
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
		case part[1] == "RUNNABLE": // what only an older run lists is gone
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

// survivor is a row of docs/mutation-raw.md.
type survivor struct{ where, change, code, reason string }

// key names what a reason is for. Lines and columns move.
func (s survivor) key() survivor {
	file, _, _ := strings.Cut(s.where, ":")
	return survivor{where: file, change: s.change, code: s.code}
}

const rawHead = `# Mutants that live

<!-- The rows are written by .ci/mutation, which keeps the last column: write the reasons there. -->

One row for each change of one place in the code that no test notices, at the commit that [mutation.md](mutation.md)
names.

| where | change | line of code | why no test notices |
|---|---|---|---|
`

// survivorsIn reads the rows of docs/mutation-raw.md.
func survivorsIn(document string) (list []survivor) {
	for line := range strings.Lines(document) {
		cells := strings.Split(strings.Trim(line, "|\n"), " | ")
		if strings.HasPrefix(line, "| `") && len(cells) == 4 {
			for i := range cells {
				cells[i] = strings.TrimSpace(cells[i])
			}
			list = append(list, survivor{cells[0][1 : len(cells[0])-1], cells[1], cells[2], cells[3]})
		}
	}
	return list
}

// survivorsOf returns the rows of those that live, with the reasons that known has, and
// the known rows of groups that were not tried now.
func survivorsOf(list []mutant, code func(file string, line int) string, known []survivor) (rows []survivor) {
	reasons := make(map[survivor]string)
	tried := make(map[string]bool)
	for _, m := range list {
		tried[groupOf(m.change(), m.file)] = true
	}
	for _, s := range known {
		reasons[s.key()] = s.reason
		if file, _, _ := strings.Cut(s.where, ":"); !tried[groupOf(s.change, file)] {
			rows = append(rows, s)
		}
	}
	for _, m := range list {
		if m.status != "LIVED" {
			continue
		}
		s := survivor{
			where:  fmt.Sprintf("%s:%d:%d", m.file, m.line, m.column),
			change: m.change(),
			code:   "`" + strings.ReplaceAll(code(m.file, m.line), "|", `\|`) + "`",
		}
		s.reason = reasons[s.key()]
		rows = append(rows, s)
	}
	return rows
}

// rawDocument is docs/mutation-raw.md.
func rawDocument(rows []survivor) string {
	text := rawHead
	for _, s := range rows {
		text += fmt.Sprintf("| `%s` | %s | %s | %s |\n", s.where, s.change, s.code, s.reason)
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

// figureIn splits a document at the marks of the figure.
func figureIn(document string) (before, figure, after string, found bool) {
	return partIn(document, figureBegin, figureEnd)
}

// partIn splits a document at two marks.
func partIn(document, begin, end string) (before, part, after string, found bool) {
	before, rest, found := strings.Cut(document, begin)
	part, after, ended := strings.Cut(rest, end)
	return before + begin, part, end + after, found && ended
}

func document(name string) string { return filepath.Join(module, "docs", name) }

// writtenFigure is the figure of docs/mutation.md.
func writtenFigure() (string, error) {
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

// With -mutants this writes the figure and the survivors. It checks that both
// documents have the same figure, and that each survivor has a reason.
func TestTheDocumentsTellWhichMutantsLiveAndWhy(t *testing.T) {
	if *mutantsFlag != "" {
		writeMutants(t)
	}
	want, err := writtenFigure()
	require.NoError(t, err)
	text, err := os.ReadFile(document("reliability.md"))
	require.NoError(t, err)
	_, figure, _, found := figureIn(string(text))
	require.True(t, found, "reliability.md has no marks for the figure")
	require.Equal(t, want, figure, "reliability.md: run .ci/mutation")

	raw, err := os.ReadFile(document("mutation-raw.md"))
	require.NoError(t, err)
	rows := survivorsIn(string(raw))
	lived := make(map[string]int)
	for _, s := range rows {
		file, _, _ := strings.Cut(s.where, ":")
		lived[groupOf(s.change, file)]++
	}
	for _, f := range figuresIn(want) {
		require.Equal(t, f.lived, lived[f.group], "mutation-raw.md lists other survivors of %s than the figure counts", f.group)
		delete(lived, f.group)
	}
	require.Empty(t, lived, "mutation-raw.md lists survivors without a figure")
	for _, s := range rows {
		require.NotEmpty(t, s.reason, "docs/mutation-raw.md: %s lives without a reason", s.where)
	}
}

func writeMutants(t *testing.T) {
	t.Helper()
	output, err := os.ReadFile(*mutantsFlag)
	require.NoError(t, err)
	list := mutantsIn(string(output))
	require.NotEmpty(t, list)
	now := figuresOf(list, commitName()) // before the first document is changed
	for _, name := range []string{"mutation.md", "reliability.md"} {
		text, err := os.ReadFile(document(name))
		require.NoError(t, err)
		before, old, after, found := figureIn(string(text))
		require.True(t, found, "%s has no marks for the figure", name)
		figures := figuresText(withOld(now, figuresIn(old)))
		require.NoError(t, os.WriteFile(document(name), []byte(before+figures+after), 0o644))
	}
	old, err := os.ReadFile(document("mutation-raw.md"))
	require.NoError(t, err)
	raw := rawDocument(survivorsOf(list, codeLine, survivorsIn(string(old))))
	require.NoError(t, os.WriteFile(document("mutation-raw.md"), []byte(raw), 0o644))
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
	text := figuresText(figuresOf(list, "abc"))
	require.Contains(t, text, "**Of 3 changes that compile and end, the tests notice 2: 66.7 %.**")
	require.Contains(t, text, "| changed operators and numbers, root | 6 | 5 | 1 | 2 | 66.7 % | 1 | 1 | abc |\n")
	require.Contains(t, text, "Not tried (changed operators and numbers, root): `body.go` 1 of 1.\n")

	code := func(string, int) string { return "a < b || c" }
	known := []survivor{
		{"run.go:6:3", "conditionals boundary", "`a < b \\|\\| c`", "the reason"},
		{"body.go:7:3", "conditionals boundary", "`a < b \\|\\| c`", "of another file"},
	}
	raw := rawDocument(survivorsOf(list, code, known))
	require.Contains(t, raw, "| `run.go:7:3` | conditionals boundary | `a < b \\|\\| c` | the reason |\n")
	require.Equal(t, survivorsOf(list, code, known), survivorsIn(raw))

	raw = rawDocument(survivorsOf(list, code, nil))
	require.Equal(t, []survivor{{"run.go:7:3", "conditionals boundary", "`a < b \\|\\| c`", ""}}, survivorsIn(raw))
}

func TestAGroupOfMutantsThatWasNotTriedKeepsItsFigureAndItsSurvivors(t *testing.T) {
	t.Parallel()
	list := mutantsIn(`
    RUNNABLE CALL_DELETION at outbox/term.go:1:2
    RUNNABLE CALL_DELETION at outbox/term.go:2:2
    RUNNABLE CALL_DELETION at outbox/term.go:3:2
      KILLED CALL_DELETION at outbox/term.go:1:2
       LIVED CALL_DELETION at outbox/term.go:2:2
`)
	old := []mutationFigure{
		{group: "changed operators and numbers, root", mutants: 9, tried: 8, notCompiling: 1, killed: 6, ended: 7, lived: 1, commit: "old-dirty", left: "`run.go` 1 of 9"},
		{group: "deleted calls, outbox", mutants: 2, tried: 2, killed: 2, ended: 2, commit: "abc-dirty"},
	}
	figures := withOld(figuresOf(list, "new"), old)
	text := figuresText(figures)
	require.Contains(t, text, "**Of 9 changes that compile and end, the tests notice 7: 77.8 %.** The 2 that live")
	require.Contains(t, text, "| changed operators and numbers, root | 9 | 8 | 1 | 6 | 85.7 % | 0 | 1 | old-dirty |\n"+
		"| deleted calls, outbox | 3 | 2 | 0 | 1 | 50.0 % | 0 | 1 | new |\n")
	require.Contains(t, text, "Not tried (deleted calls, outbox): `outbox/term.go` 1 of 3.\n")
	require.Equal(t, figures, figuresIn(text))

	code := func(string, int) string { return "f()" }
	kept := survivor{"run.go:6:3", "conditionals boundary", "`a < b`", "the reason"}
	gone := survivor{"outbox/run.go:6:3", "call deletion", "`g()`", "it is gone"}
	rows := survivorsOf(list, code, []survivor{kept, gone})
	require.Equal(t, []survivor{kept, {"outbox/term.go:2:2", "call deletion", "`f()`", ""}}, rows)
}
