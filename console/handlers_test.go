package console_test

import (
	"context"
	"net/http"
	"net/url"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/outbox"
)

func TestParkedRowsArePagedByHandler(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	const name = "a&b=c"
	s := newFixture(t, carrierfsm.Config{})
	s.setHandlers(map[string]outbox.Handler{
		name:    func(context.Context, carrierfsm.Transition) error { return context.Canceled },
		"other": func(context.Context, carrierfsm.Transition) error { return nil },
	})
	for i := range 60 {
		s.addVerification("p" + itoa(i))
	}
	_, err := s.handlers.Deliver(ctx)
	require.Error(t, err)
	ids, _ := s.listed("handlers")
	require.Len(t, ids, 10, "the first of each handler")
	seen := make(map[string]bool)
	for next := "handlers?name=" + url.QueryEscape(name); next != ""; {
		ids, next = s.listed(next)
		for _, id := range ids {
			require.False(t, seen[id], id)
			seen[id] = true
		}
	}
	require.Len(t, seen, 60)
	require.Equal(t, http.StatusNotFound, s.get("handlers?name=unknown").Code)
	require.Equal(t, http.StatusBadRequest, s.get("handlers?after=1.x").Code, "a page key belongs to one handler")
}
