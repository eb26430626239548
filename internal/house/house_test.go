package house_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm/internal/house"
)

func TestNeedsAreFoundThroughFunctionsFieldsAndMethods(t *testing.T) {
	t.Parallel()
	needs, err := house.Load("testdata/knot")
	require.NoError(t, err)
	require.Equal(t, house.Needs{
		"a.go": {"b.go"}, "b.go": {"c.go"}, "c.go": {"a.go"}, "d.go": {"a.go"}, "e.go": nil,
	}, needs)
	require.Equal(t, [][]string{{"a.go", "b.go", "c.go"}}, needs.Knots())
}

// The files of the root can be read from the ground up: none needs one that
// needs it.
func TestNoFilesOfTheRootNeedEachOther(t *testing.T) {
	t.Parallel()
	needs, err := house.Load("../..")
	require.NoError(t, err)
	require.Contains(t, needs["submit.go"], "call.go")
	require.Empty(t, needs.Knots())
	require.LessOrEqual(t, len(needs), 35, "production files of the root")
}
