package crashproof_test

import (
	"cmp"
	"fmt"
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// groupOf names the operators and the package of a mutant. Each group has a figure of
// its own, because the groups are tried separately.
func groupOf(change, file string) string {
	operators := "changed operators and numbers"
	if change == callDeletion {
		operators = "deleted calls"
	}
	folder := filepath.ToSlash(filepath.Dir(file))
	if folder == "." {
		folder = "root"
	}
	return operators + ", " + folder
}

const callDeletion = "call deletion"

// change is the operator in words.
func (m mutant) change() string { return strings.ToLower(strings.ReplaceAll(m.kind, "_", " ")) }

// mutationFigure is the result of one group: a row of the figures' table.
type mutationFigure struct {
	group                                                    string
	mutants, tried, notCompiling, killed, ended, hung, lived int
	commit                                                   string
	left                                                     string // the files of which not all was tried
}

func share(killed, ended int) string {
	return fmt.Sprintf("%.1f %%", 100*float64(killed)/float64(max(ended, 1)))
}

// figuresOf counts the results of each group that was tried.
func figuresOf(list []mutant, commit string) (figures []mutationFigure) {
	groups := make(map[string][]mutant)
	for _, m := range list {
		g := groupOf(m.change(), m.file)
		groups[g] = append(groups[g], m)
	}
	for _, name := range slices.Sorted(maps.Keys(groups)) {
		counts, left, files := make(map[string]int), make(map[string]int), make(map[string]int)
		for _, m := range groups[name] {
			counts[m.status]++
			files[m.file]++
			if m.status == "RUNNABLE" {
				left[m.file]++
			}
		}
		f := mutationFigure{
			group: name, mutants: len(groups[name]), tried: len(groups[name]) - counts["RUNNABLE"], notCompiling: counts["NOT VIABLE"],
			killed: counts["KILLED"], ended: counts["KILLED"] + counts["LIVED"], hung: counts["TIMED OUT"], lived: counts["LIVED"], commit: commit,
		}
		var list []string
		for _, file := range slices.Sorted(maps.Keys(left)) {
			list = append(list, fmt.Sprintf("`%s` %d of %d", file, left[file], files[file]))
		}
		f.left = strings.Join(list, ", ")
		figures = append(figures, f)
	}
	return figures
}

const (
	figureRow  = "| %s | %d | %d | %d | %d | %s | %d | %d | %s |\n"
	figureHead = "| mutants of | in all | tried | do not compile | killed | of those that ended | hung | lived | at commit |\n|---|---:|---:|---:|---:|---:|---:|---:|---|\n"
	notTried   = "\nNot tried (%s): %s.\n"
)

// figuresText is what the documents have between the marks.
func figuresText(figures []mutationFigure) string {
	var killed, ended, lived int
	for _, f := range figures {
		killed, ended, lived = killed+f.killed, ended+f.ended, lived+f.lived
	}
	text := fmt.Sprintf("**Of %d changes that compile and end, the tests notice %d: %s.** The %d that live are in\n"+
		"[mutation-raw.md](mutation-raw.md), by file and line, each with its reason.\n\n", ended, killed, share(killed, ended), lived) + figureHead
	for _, f := range figures {
		text += fmt.Sprintf(figureRow, f.group, f.mutants, f.tried, f.notCompiling, f.killed, share(f.killed, f.ended), f.hung, f.lived, f.commit)
	}
	for _, f := range figures {
		if f.left != "" {
			text += fmt.Sprintf(notTried, f.group, f.left)
		}
	}
	return text
}

var (
	writtenRow  = regexp.MustCompile(`(?m)^\| ([^|]+) \| (\d+) \| (\d+) \| (\d+) \| (\d+) \| [0-9.]+ % \| (\d+) \| (\d+) \| ([\w-]+) \|$`)
	writtenLeft = regexp.MustCompile(`(?m)^Not tried \(([^)]+)\): (.*)\.$`)
)

// figuresIn reads the figures of a document.
func figuresIn(text string) (figures []mutationFigure) {
	left := make(map[string]string)
	for _, part := range writtenLeft.FindAllStringSubmatch(text, -1) {
		left[part[1]] = part[2]
	}
	for _, part := range writtenRow.FindAllStringSubmatch(text, -1) {
		f := mutationFigure{group: part[1], commit: part[8], left: left[part[1]]}
		for i, n := range []*int{&f.mutants, &f.tried, &f.notCompiling, &f.killed, &f.hung, &f.lived} {
			*n, _ = strconv.Atoi(part[2+i])
		}
		f.ended = f.killed + f.lived
		figures = append(figures, f)
	}
	return figures
}

// withOld adds the old figures of the groups that were not tried now.
func withOld(now, old []mutationFigure) []mutationFigure {
	for _, f := range old {
		if !slices.ContainsFunc(now, func(n mutationFigure) bool { return n.group == f.group }) {
			now = append(now, f)
		}
	}
	slices.SortFunc(now, func(a, b mutationFigure) int { return cmp.Compare(a.group, b.group) })
	return now
}
