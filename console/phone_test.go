package console_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm/internal/browsertest"
)

// On a phone the rows of a table are cards: nothing is out of sight at the side, and each
// cell has the name of its column.
func TestOnAPhoneTheRowsOfATableAreCards(t *testing.T) {
	t.Parallel()
	s := newBusyFixture(t)
	tab, url := s.tab(browsertest.Narrow, s.console.ServeHTTP)
	for _, path := range []string{"", "list", "handlers", "acts", "attention", "verification?id=person-with-a-long-way"} {
		tab.Open(url + path)
		require.Empty(t, browsertest.Eval[string](tab, `[...document.querySelectorAll('.scroll:has(> table)')].filter(e => e.scrollWidth > e.clientWidth).map(e => e.getAttribute('aria-label') || e.getAttribute('aria-labelledby')).join()`), path)
		require.LessOrEqual(t, browsertest.Eval[int](tab, "document.documentElement.scrollWidth - innerWidth"), 0, path)
		tab.Screenshot("cards-" + path)
		tab.CheckAccessibility()
	}
	tab.Open(url + "list")
	require.Equal(t, "State", browsertest.Eval[string](tab, "document.querySelector('td:has(.state)').dataset.column"))
	require.Equal(t, `"State"`, browsertest.Eval[string](tab, "getComputedStyle(document.querySelector('td:has(.state)'), '::before').content"))
	wide := shared.Tab(t, browsertest.Wide)
	wide.Open(url + "list")
	require.Equal(t, "table-cell", browsertest.Eval[string](wide, "getComputedStyle(document.querySelector('td')).display"))
}
