package main

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm"
)

// Every sentinel of errors.go has a status, and texts in both languages.
func TestEveryErrorHasAStatusAndTexts(t *testing.T) {
	t.Parallel()
	source, err := os.ReadFile("../../errors.go")
	require.NoError(t, err)
	declared := regexp.MustCompile(`(?m)^\t(Err\w+) += errors\.New\("(.+)"\)$`).FindAllStringSubmatch(string(source), -1)
	require.Greater(t, len(declared), 15)
	rows := make(map[string]problem)
	for _, row := range statuses {
		rows[row.err.Error()] = problem{status: row.status, code: row.code}
	}
	for _, d := range declared {
		want, found := rows[d[2]]
		require.True(t, found, "%s has no row", d[1])
		require.GreaterOrEqual(t, want.status, 200, d[1])
	}
	require.Len(t, statuses, len(declared)+4, "those of package typed, and the errors of the context")
	for _, row := range statuses {
		for _, w := range languages {
			require.Contains(t, w.problems, row.code)
		}
		wrapped := &carrierfsm.Error{ID: "x", Err: fmt.Errorf("%w: more", row.err)}
		require.Equal(t, row.status, problemOf(wrapped).status, row.err)
	}
	require.Equal(t, http.StatusInternalServerError, problemOf(errors.New("another")).status)
	require.Equal(t, http.StatusAccepted, problemOf(fmt.Errorf("%w: %w", carrierfsm.ErrPending, carrierfsm.ErrStore)).status)
}
