package telemetry_test

import (
	"context"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/telemetry"
)

// A sentinel without a class would be recorded as _OTHER.
func TestEachErrorHasAClass(t *testing.T) {
	t.Parallel()
	var want []string
	for _, name := range []string{"../errors.go", "../outbox/outbox.go"} {
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		require.NoError(t, err)
		ast.Inspect(file, func(n ast.Node) bool {
			if v, ok := n.(*ast.ValueSpec); ok && strings.HasPrefix(v.Names[0].Name, "Err") {
				word := regexp.MustCompile(`([A-Z])`).ReplaceAllString(strings.TrimPrefix(v.Names[0].Name, "Err"), "_$1")
				want = append(want, strings.ToLower(strings.TrimPrefix(word, "_")))
			}
			return true
		})
	}
	require.Greater(t, len(want), 20)
	require.ElementsMatch(t, append(want, "canceled", "timeout"), telemetry.Classes())
	for err, want := range map[error]string{
		nil: "", errors.New("13800138000"): "_OTHER", context.Canceled: "canceled",
		&carrierfsm.Error{ID: "v1", Err: errors.Join(carrierfsm.ErrPending, carrierfsm.ErrStore)}: "store",
	} {
		require.Equal(t, want, telemetry.ClassOf(err))
	}
}
