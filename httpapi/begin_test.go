package httpapi_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/budget"
	"github.com/carrierfsm/carrierfsm/fsmtest"
	"github.com/carrierfsm/carrierfsm/httpapi"
)

// A form that a budget of the number refuses creates nothing either.
func TestAFormThatIsOverTheNumbersBudgetCreatesNothing(t *testing.T) {
	t.Parallel()
	numbers, err := budget.NewNumbers(make([]byte, 32))
	require.NoError(t, err)
	h := newHost(t, func(m *carrierfsm.Config, _ *httpapi.Config) {
		m.Numbers, m.Budgets = numbers, budget.Limits{Applications: 1}
	})
	h.header["X-Begin"] = "v2"
	h.Upstream.Then(fsmtest.AcceptAt(source))
	require.Equal(t, http.StatusCreated, h.ask("POST", "/verifications", "{"+person+"}").Code)
	for range 5 {
		h.header["X-Begin"] = "v4"
		require.Equal(t, "number_limited", h.ask("POST", "/verifications", "{"+person+"}").problem.Code)
	}
	_, err = h.Machine.Get(t.Context(), "v4")
	require.ErrorIs(t, err, carrierfsm.ErrNotFound)
}
