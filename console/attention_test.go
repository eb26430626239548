package console_test

import (
	"html"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/fsmtest"
)

func TestAttentionShowsWhatIsOverdueAndWhatIsUnknown(t *testing.T) {
	t.Parallel()
	s := newFixture(t, carrierfsm.Config{})
	page := visibleText(s.page("attention"))
	require.Contains(t, page, "Nothing is overdue.")
	require.Contains(t, page, "There are none.")
	s.must(s.Apply())
	s.Upstream.Then(fsmtest.Lost())
	s.must(s.Password("246810"))
	ids, _ := s.listed("attention")
	require.Equal(t, []string{"v1"}, ids, "the one with an unknown outcome")
	s.Clock.Advance(10*time.Minute + 30*time.Second)
	require.Contains(t, s.page("attention"), "Nothing is overdue.", "not for more than a minute")
	s.Clock.Advance(time.Minute)
	page = visibleText(s.page("attention"))
	require.Contains(t, page, "v1 awaiting password 3 chinamobilejs outcome unknown 1 min 30 s ago yes, by this replica")
	require.Contains(t, visibleText(s.page("")), "Overdue 1 the oldest was due 1 min 30 s ago")
	require.Contains(t, visibleText(s.page("verification?id=v1")), "Its deadline has passed, and no replica has settled it yet.")
	s.Settle()
	ids, _ = s.listed("attention")
	require.Empty(t, ids, "it has ended")
}

func TestOverdueIsPagedLongestFirst(t *testing.T) {
	t.Parallel()
	s := newFixture(t, carrierfsm.Config{})
	addMany(t, s, 240) // half of them is due
	seen := make(map[string]bool)
	for next := "attention"; next != ""; {
		page := s.page(next)
		overdue, _, _ := strings.Cut(page, `id="h-unknown"`)
		for _, m := range rowID.FindAllStringSubmatch(overdue, -1) {
			require.False(t, seen[m[1]], m[1])
			seen[m[1]] = true
		}
		next = ""
		if m := nextLink.FindStringSubmatch(overdue); m != nil {
			next = html.UnescapeString(m[1])
		}
	}
	require.Len(t, seen, 120)
	require.Contains(t, visibleText(s.page("")), "Overdue 100+")
	require.Equal(t, http.StatusBadRequest, s.get("attention?due=x.y").Code)
	require.Equal(t, http.StatusBadRequest, s.get("attention?after=1").Code)
}
