package console_test

import (
	"errors"
	"net/http"
	"net/url"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/store/memory"
)

func TestAStoreErrorIsShownWithoutItsText(t *testing.T) {
	t.Parallel()
	store := &countingStore{Store: memory.New()}
	s := newFixture(t, carrierfsm.Config{Store: store})
	store.failure = errors.New("dial tcp 10.0.0.7:5432: password=geheim")
	for path, status := range map[string]int{
		"": http.StatusOK, "attention": http.StatusOK, // the parts that failed say so
		"handlers": http.StatusOK, "list": http.StatusServiceUnavailable, "verification?id=v1": http.StatusServiceUnavailable,
		"confirm?do=erase&id=v1": http.StatusServiceUnavailable,
	} {
		w := s.get(path)
		require.Equal(t, status, w.Code, path)
		require.Contains(t, w.Body.String(), "The store did not answer.", path)
		require.NotContains(t, w.Body.String(), "geheim", path)
	}
	w := s.post(url.Values{"do": {"cancel"}, "id": {"v1"}, "step": {"0"}})
	require.Equal(t, http.StatusServiceUnavailable, w.Code)
	require.NotContains(t, w.Body.String(), "geheim")
	store.failure = nil
	require.Contains(t, s.page(""), "By carrier", "an error is not cached")
}

// A script that requests the answer to a form again would send the form again.
func TestTheAnswerToAFormIsNeverUpdated(t *testing.T) {
	t.Parallel()
	s := newFixture(t, carrierfsm.Config{})
	require.Contains(t, s.page("verification?id=v1"), `id="refresh"`)
	require.NotContains(t, s.post(s.action("erase")).Body.String(), `id="refresh"`)
	require.NotContains(t, s.get("confirm?do=erase&id=v1").Body.String(), `id="refresh"`)
}
