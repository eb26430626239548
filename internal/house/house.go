// Package house measures the structure of a Go package: which of its files need
// which, and which files need each other.
package house

import (
	"cmp"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Needs are, by file name, the other files of the package whose declarations
// (also fields and methods) the file uses.
type Needs map[string][]string

// Load reads the production files of the package in a folder.
func Load(dir string) (Needs, error) {
	fset := token.NewFileSet()
	names, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		return nil, err
	}
	var files []*ast.File
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		text, err := os.ReadFile(name)
		if err != nil {
			return nil, err
		}
		file, err := parser.ParseFile(fset, filepath.Base(name), text, 0)
		if err != nil {
			return nil, err
		}
		files = append(files, file)
	}
	info := &types.Info{Uses: make(map[*ast.Ident]types.Object), Selections: make(map[*ast.SelectorExpr]*types.Selection)}
	config := types.Config{
		Importer: noImports{},
		Error:    func(error) {}, // what other packages declare is unknown, and does not matter
	}
	pkg, _ := config.Check(dir, fset, files, info)
	if pkg == nil {
		return nil, fmt.Errorf("house: %s can't be type-checked", dir)
	}
	needs := make(Needs)
	for _, f := range files {
		needs[fset.Position(f.Pos()).Filename] = nil
	}
	for id, object := range info.Uses {
		if object.Pkg() != pkg || !object.Pos().IsValid() {
			continue
		}
		from, to := fset.Position(id.Pos()).Filename, fset.Position(object.Pos()).Filename
		if from != to && !slices.Contains(needs[from], to) {
			needs[from] = append(needs[from], to)
		}
	}
	for _, list := range needs {
		slices.Sort(list)
	}
	return needs, nil
}

// noImports resolves no import, so that only the package itself is checked.
type noImports struct{}

// Import is types.Importer's.
func (noImports) Import(path string) (*types.Package, error) {
	return nil, fmt.Errorf("house: %s is not loaded", path)
}

// Knots returns the groups of files that need each other, directly or through
// other files: the largest first. A file alone is no knot.
func (n Needs) Knots() (knots [][]string) {
	seen := make(map[string]bool)
	for _, name := range n.names() {
		if seen[name] {
			continue
		}
		var knot []string
		for _, other := range n.names() {
			if name == other || n.reaches(name, other) && n.reaches(other, name) {
				knot = append(knot, other)
				seen[other] = true
			}
		}
		if len(knot) > 1 {
			knots = append(knots, knot)
		}
	}
	slices.SortStableFunc(knots, func(a, b []string) int { return cmp.Compare(len(b), len(a)) })
	return knots
}

func (n Needs) names() (names []string) {
	for name := range n {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// reaches reports whether from needs to, directly or through other files.
func (n Needs) reaches(from, to string) bool {
	seen := make(map[string]bool)
	queue := []string{from}
	for len(queue) > 0 {
		name := queue[0]
		queue = queue[1:]
		for _, next := range n[name] {
			if next == to {
				return true
			}
			if !seen[next] {
				seen[next] = true
				queue = append(queue, next)
			}
		}
	}
	return false
}
