package simulator_test

import (
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm/upstream/simulator"
)

func TestEveryCarrierIsListedAsADataSource(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	got, err := f.send(t.Context(), http.MethodGet, datasources, "", "")
	require.NoError(t, err)
	var websites, want []any
	for _, source := range decoded(t, got.body)["data"].([]any) {
		websites = append(websites, source.(fields)["website"])
	}
	for _, c := range simulator.Carriers() {
		want = append(want, c.Website)
		require.NotEmpty(t, c.Description)
	}
	require.Empty(t, cmp.Diff(want, websites))
}
