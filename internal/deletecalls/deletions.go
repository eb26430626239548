package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"slices"
)

// mutant is a file without one of its calls.
type mutant struct {
	path         string
	line, column int
	changed      []byte
}

// String returns the operator and the place, as gremlins prints them.
func (m mutant) String() string {
	return fmt.Sprintf("CALL_DELETION at %s:%d:%d", filepath.Base(m.path), m.line, m.column)
}

// deletions returns one mutant for each call in a file that can be deleted, in the
// order of the file. The call stays in the text, in a branch that is never taken: so
// its variables and imports remain used, and the file compiles.
func deletions(path string, text []byte) (list []mutant, err error) {
	files := token.NewFileSet()
	file, err := parser.ParseFile(files, path, text, parser.SkipObjectResolution)
	if err != nil {
		return nil, err
	}
	ast.Inspect(file, func(n ast.Node) bool {
		for _, s := range statements(n) {
			if !isCall(s) {
				continue
			}
			at, end := files.Position(s.Pos()), files.Position(s.End())
			changed := slices.Concat(text[:at.Offset], []byte("if false { "), text[at.Offset:end.Offset], []byte(" }"), text[end.Offset:])
			list = append(list, mutant{path: path, line: at.Line, column: at.Column, changed: changed})
		}
		return true
	})
	slices.SortFunc(list, func(a, b mutant) int {
		return 1000*(a.line-b.line) + a.column - b.column
	})
	return list, nil
}

// statements returns the statements of a list of them.
func statements(n ast.Node) []ast.Stmt {
	switch n := n.(type) {
	case *ast.BlockStmt:
		return n.List
	case *ast.CaseClause:
		return n.Body
	case *ast.CommClause:
		return n.Body
	default:
		return nil
	}
}

// isCall reports whether a statement is a call whose results are not used.
func isCall(s ast.Stmt) bool {
	switch s := s.(type) {
	case *ast.DeferStmt:
		return true
	case *ast.ExprStmt:
		_, isCall := s.X.(*ast.CallExpr)
		return isCall
	case *ast.AssignStmt:
		if len(s.Rhs) != 1 || slices.ContainsFunc(s.Lhs, func(e ast.Expr) bool {
			name, isName := e.(*ast.Ident)
			return !isName || name.Name != "_"
		}) {
			return false
		}
		_, isCall := s.Rhs[0].(*ast.CallExpr)
		return isCall
	default:
		return false
	}
}
