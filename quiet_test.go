package carrierfsm_test

import (
	"bytes"
	"context"
	"go/ast"
	"go/parser"
	positions "go/token"
	"log/slog"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/fsmtest"
)

// loud are the ways to say something that nobody asked for.
var loud = regexp.MustCompile(`^(log\.\w+|fmt\.Print\w*|os\.Std(out|err)|print(ln)?|slog\.(Default|SetDefault|With|Log(Attrs)?|(Debug|Info|Warn|Error)(Context)?))$`)

// saidIn are the loud places of a Go file.
func saidIn(t *testing.T, path, text string) (list []string) {
	t.Helper()
	file, err := parser.ParseFile(positions.NewFileSet(), path, text, 0)
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

func TestProductionPackagesLogOnlyToTheLoggerTheyAreGiven(t *testing.T) {
	t.Parallel()
	sources(t, ".go", func(path, text string) {
		program := strings.HasPrefix(path, "examples/") || strings.HasPrefix(path, "bench/") ||
			strings.HasPrefix(path, "internal/browsertest/") || path == "internal/docgen/main.go"
		if !strings.HasSuffix(path, "_test.go") && !program {
			require.Empty(t, saidIn(t, path, text), path)
		}
	})
	require.ElementsMatch(t, []string{"log", "log.Fatal", "slog.InfoContext", "os.Stderr", "println"}, saidIn(t, "loud.go", `package loud
import ("log"; "log/slog"; "os")
func f(l *slog.Logger) { log.Fatal(); slog.InfoContext(nil, ""); l.InfoContext(nil, ""); println(os.Stderr == nil); slog.New(slog.DiscardHandler) }`))
}

// Not parallel: it looks at what is the process's own.
func TestAMachineWithoutALoggerIsSilent(t *testing.T) {
	var said bytes.Buffer
	before := slog.Default()
	slog.SetDefault(slog.New(slog.NewTextHandler(&said, &slog.HandlerOptions{Level: slog.LevelDebug})))
	t.Cleanup(func() { slog.SetDefault(before) })
	b := fsmtest.NewWith(t, carrierfsm.Config{
		Handlers: map[string]carrierfsm.Handler{"notify": func(context.Context, carrierfsm.Transition) error { panic("not now") }},
	}, fsmtest.Accept("chinamobilejs"), fsmtest.Panics(), fsmtest.Lost())
	_, err := b.Apply()
	require.NoError(t, err)
	for range 2 {
		_, err = b.Password("246810")
		require.NoError(t, err)
	}
	_, err = b.Machine.Deliver(context.Background())
	require.Error(t, err)
	require.Empty(t, said.String())
}
