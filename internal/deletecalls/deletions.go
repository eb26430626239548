//go:build unix

package main

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"path/filepath"
	"slices"
	"strings"
)

// mutant is a package without one of its calls.
type mutant struct {
	file         string
	line, column int
	// unused is set if nothing else uses one of the call's local variables: the compiler
	// refuses a program without the call.
	unused bool
}

// String returns the operator and the place, as gremlins prints them.
func (m mutant) String() string {
	return fmt.Sprintf("CALL_DELETION at %s:%d:%d", m.file, m.line, m.column)
}

// deletions returns one mutant for each call in a file that can be deleted, in the
// order of the file, and the file with a switch around each of these calls. The calls
// are numbered from first on, and remain in the text.
func deletions(path string, text []byte, first int) (list []mutant, switched []byte, err error) {
	files := token.NewFileSet()
	file, err := parser.ParseFile(files, path, text, parser.SkipObjectResolution)
	if err != nil {
		return nil, nil, err
	}
	var calls []ast.Stmt
	ast.Inspect(file, func(n ast.Node) bool {
		calls = append(calls, slices.DeleteFunc(statements(n), func(s ast.Stmt) bool { return !isDeletable(s) })...)
		return true
	})
	slices.SortFunc(calls, func(a, b ast.Stmt) int { return int(a.Pos() - b.Pos()) })
	begin, end := make(map[int]string), make(map[int]int)
	needs := needsOf(files, file)
	for i, s := range calls {
		at := files.Position(s.Pos())
		list = append(list, mutant{filepath.Base(path), at.Line, at.Column, needs.only(s)})
		begin[at.Offset] = fmt.Sprintf("if %s != %q { ", switchName, fmt.Sprint(first+i))
		end[files.Position(s.End()).Offset]++
	}
	var out bytes.Buffer
	for i, c := range text {
		out.WriteString(strings.Repeat(" }", end[i]))
		out.WriteString(begin[i])
		out.WriteByte(c)
	}
	return list, out.Bytes(), nil
}

// needs are the places that use each local variable of a file.
type needs map[types.Object][]token.Pos

// needsOf returns the needs of a file. Names of other files and packages stay unknown,
// which is no matter: only what the file itself declares is asked for.
func needsOf(files *token.FileSet, file *ast.File) needs {
	info := types.Info{Uses: make(map[*ast.Ident]types.Object)}
	config := types.Config{Error: func(error) {}, Importer: noImports{}}
	_, _ = config.Check("", files, []*ast.File{file}, &info) // the error is the first of those names
	assigned := make(map[*ast.Ident]bool)                    // to assign is no use
	ast.Inspect(file, func(n ast.Node) bool {
		if a, ok := n.(*ast.AssignStmt); ok && a.Tok == token.ASSIGN {
			for _, e := range a.Lhs {
				if id, ok := e.(*ast.Ident); ok {
					assigned[id] = true
				}
			}
		}
		return true
	})
	uses := make(needs)
	for id, object := range info.Uses {
		if v, isVar := object.(*types.Var); isVar && v.Kind() == types.LocalVar && !assigned[id] {
			uses[object] = append(uses[object], id.Pos())
		}
	}
	return uses
}

// only reports whether a statement has all uses of a variable that is declared outside
// of it.
func (n needs) only(s ast.Stmt) bool {
	within := func(p token.Pos) bool { return s.Pos() <= p && p < s.End() }
	for object, uses := range n {
		if !within(object.Pos()) && !slices.ContainsFunc(uses, func(p token.Pos) bool { return !within(p) }) {
			return true
		}
	}
	return false
}

// noImports finds no package.
type noImports struct{}

func (noImports) Import(path string) (*types.Package, error) {
	return nil, fmt.Errorf("package %s is not needed", path)
}

// switchName is the variable of a switched package that has the number of the deleted
// call, and the environment variable that it is read from.
const switchName = "deletedCall"

// switchFile returns the file that declares the switch of a package.
func switchFile(name string) []byte {
	return fmt.Appendf(nil, "package %s\n\nimport \"os\"\n\nvar %s = os.Getenv(%q)\n", name, switchName, switchName)
}

// statements returns a copy of a list of statements.
func statements(n ast.Node) []ast.Stmt {
	switch n := n.(type) {
	case *ast.BlockStmt:
		return slices.Clone(n.List)
	case *ast.CaseClause:
		return slices.Clone(n.Body)
	case *ast.CommClause:
		return slices.Clone(n.Body)
	default:
		return nil
	}
}

// isDeletable reports whether a statement is a call whose results are not used. A
// panic is not deleted: a function may end with it.
func isDeletable(s ast.Stmt) bool {
	switch s := s.(type) {
	case *ast.DeferStmt:
		return true
	case *ast.ExprStmt:
		call, isCall := s.X.(*ast.CallExpr)
		return isCall && !isNamed(call.Fun, "panic")
	case *ast.AssignStmt:
		isUsed := func(e ast.Expr) bool { return !isNamed(e, "_") }
		if len(s.Rhs) != 1 || slices.ContainsFunc(s.Lhs, isUsed) {
			return false
		}
		_, isCall := s.Rhs[0].(*ast.CallExpr)
		return isCall
	default:
		return false
	}
}

func isNamed(e ast.Expr, name string) bool {
	id, ok := e.(*ast.Ident)
	return ok && id.Name == name
}
