package console_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/console"
	"github.com/carrierfsm/carrierfsm/fsmtest"
	"github.com/carrierfsm/carrierfsm/outbox"
)

// lastTransition is the latest row of the history.
func (s *fixture) lastTransition() carrierfsm.Transition {
	s.t.Helper()
	list := s.History()
	require.NotEmpty(s.t, list)
	return list[len(list)-1]
}

func TestTheHistoryNamesTheOperatorOfAnAction(t *testing.T) {
	t.Parallel()
	for do, event := range map[string]carrierfsm.Event{"cancel": carrierfsm.Canceled, "expire": carrierfsm.Expired, "erase": carrierfsm.Erased} {
		var log bytes.Buffer
		s := newFixture(t, carrierfsm.Config{}, fsmtest.Code("10002"))
		s.setConsole(s.Machine, func(c *console.Config) { c.Logger = slog.New(slog.NewTextHandler(&log, nil)) })
		s.must(s.Apply())
		s.must(s.Password("246810"))
		w := s.get("confirm?do=" + do + "&id=v1")
		require.Equal(t, http.StatusOK, w.Code)
		require.Contains(t, w.Body.String(), "Your name, li.wei, is recorded in the history.")
		w = s.post(s.action(do, "sure", "on"))
		require.Equal(t, http.StatusSeeOther, w.Code, "%s: %s", do, w.Body)
		require.Equal(t, event, s.lastTransition().Event)
		require.Equal(t, "li.wei", s.lastTransition().Detail.By)
		require.Contains(t, log.String(), "operator=li.wei did="+do+" id=v1")
		require.NotContains(t, log.String(), "asked for", "the reason is in the log of acts")
		page := s.page(w.Header().Get("Location"))
		require.Contains(t, page, `role="status"`, "a notice")
		require.Contains(t, page, "<td>li.wei</td>", "the timeline")
	}
}

func TestAPendingCancellationSaysSo(t *testing.T) {
	t.Parallel()
	held, gate := fsmtest.Held(fsmtest.Code("10001"))
	s := newFixture(t, carrierfsm.Config{}, fsmtest.Accept("chinamobilejs"), held)
	v := s.must(s.Apply())
	done := make(chan error, 1)
	go func() {
		_, err := s.Submit(carrierfsm.Password{Step: v.Step, Password: carrierfsm.NewSecret("246810")})
		done <- err
	}()
	<-gate.Arrived()
	require.Equal(t, http.StatusConflict, s.post(s.action("expire")).Code, "a call is in flight")
	w := s.post(s.action("cancel"))
	require.Equal(t, http.StatusSeeOther, w.Code)
	page := s.page(w.Header().Get("Location"))
	require.Contains(t, page, "It takes effect when the call in flight is settled")
	require.Contains(t, page, "then it is canceled")
	require.NotContains(t, page, "do=cancel", "it is requested already")
	require.NotContains(t, page, "do=expire")
	gate.Open()
	require.NoError(t, <-done)
	require.Equal(t, carrierfsm.Canceled, s.Get().Reason)
	require.Equal(t, "li.wei", s.lastTransition().Detail.By)
}

func TestErasingNeedsAConfirmation(t *testing.T) {
	t.Parallel()
	s := newFixture(t, carrierfsm.Config{})
	s.must(s.Apply())
	w := s.post(s.action("erase"))
	require.Equal(t, http.StatusBadRequest, w.Code)
	require.Contains(t, w.Body.String(), "Tick the box")
	require.Contains(t, w.Body.String(), `href="verification?id=v1"`, "the way back")
	require.NotEmpty(t, s.Get().Account)
}

func TestAnActionOnAnOlderStepIsRefused(t *testing.T) {
	t.Parallel()
	s := newFixture(t, carrierfsm.Config{})
	seen := map[string]url.Values{}
	for _, do := range []string{"cancel", "expire", "erase"} {
		seen[do] = s.action(do, "sure", "on")
	}
	s.must(s.Apply())
	for do, form := range seen {
		w := s.post(form)
		require.Equal(t, http.StatusConflict, w.Code, do)
		require.Contains(t, w.Body.String(), "has changed since you looked")
	}
	require.Equal(t, carrierfsm.AwaitingPassword, s.Get().State)
}

func TestAParkedRowNamesTheOperatorOfAReplay(t *testing.T) {
	t.Parallel()
	calls := make(map[int]int) // of the handler, by step
	s := newFixture(t, carrierfsm.Config{})
	s.setHandlers(map[string]outbox.Handler{
		"notify": func(_ context.Context, t carrierfsm.Transition) error {
			if calls[t.Step]++; t.Step == 2 && calls[2] == 1 {
				return errors.New("not today")
			}
			return nil
		},
	})
	s.must(s.Apply())
	_, err := s.handlers.Deliver(context.Background())
	require.Error(t, err)
	require.Contains(t, s.page("verification?id=v1"), `<option value="notify">`)
	require.NotContains(t, s.page("verification?id=v1"), `<option value="figures">`, "it counts each transition once")
	page := s.page("handlers")
	require.Contains(t, page, "it returned an error")
	require.Contains(t, page, "Replay v1 from step 2 to handler notify")
	require.Contains(t, s.page("verification?id=v1"), "it returned an error")
	w := s.post(s.action("replay", "handler", "notify", "step", "1"))
	require.Equal(t, http.StatusSeeOther, w.Code, w.Body)
	page = s.page(w.Header().Get("Location"))
	require.Contains(t, page, "asked for by li.wei")
	require.Contains(t, page, "The replica that holds the handler")
	_, err = s.handlers.Deliver(context.Background())
	require.NoError(t, err)
	require.Equal(t, map[int]int{1: 2, 2: 2}, calls)
	require.NotContains(t, s.page("handlers"), "Replay")
}

func TestARefusedActionSaysWhy(t *testing.T) {
	t.Parallel()
	ended := func(s *fixture) { s.must(s.Cancel()) }
	for _, c := range []struct {
		what   string
		form   url.Values
		before func(*fixture)
		status int
		says   string
	}{
		{"nothing", url.Values{}, nil, http.StatusBadRequest, "request is invalid"},
		{"an unknown action", url.Values{"do": {"resend"}, "id": {"v1"}, "step": {"0"}}, nil, http.StatusBadRequest, "request is invalid"},
		{"no step", url.Values{"do": {"cancel"}, "id": {"v1"}}, nil, http.StatusBadRequest, "request is invalid"},
		{"no id", url.Values{"do": {"cancel"}, "step": {"0"}}, nil, http.StatusBadRequest, "request is invalid"},
		{"an unknown id", url.Values{"do": {"cancel"}, "id": {"13800138000"}, "step": {"0"}}, nil, http.StatusNotFound, "no verification with this id"},
		{"to cancel what has ended", url.Values{"do": {"cancel"}, "id": {"v1"}, "step": {"1"}}, ended, http.StatusConflict, "has ended already"},
		{"to expire what has ended", url.Values{"do": {"expire"}, "id": {"v1"}, "step": {"1"}}, ended, http.StatusConflict, "has ended already"},
		{"an unknown handler", url.Values{"do": {"replay"}, "id": {"v1"}, "step": {"1"}, "handler": {"unknown"}}, nil, http.StatusBadRequest, "no handler has this name"},
		{"an operator's name that is not valid", url.Values{"do": {"cancel"}, "id": {"v1"}, "step": {"0"}}, func(s *fixture) { s.operator.Name = "李 伟" }, http.StatusBadRequest, "your name"},
		{"no name", url.Values{"do": {"erase"}, "sure": {"on"}, "id": {"v1"}, "step": {"0"}}, func(s *fixture) { s.operator.Name = "" }, http.StatusBadRequest, "your name"},
		{"a form of a megabyte", url.Values{"do": {strings.Repeat("x", 1<<20)}}, nil, http.StatusBadRequest, "request is invalid"},
	} {
		s := newFixture(t, carrierfsm.Config{})
		if c.before != nil {
			c.before(s)
		}
		steps := len(s.History())
		if len(c.form) > 0 {
			c.form.Set("reason", "asked for")
		}
		w := s.post(c.form)
		require.Equal(t, c.status, w.Code, "%s: %s", c.what, w.Body)
		require.Contains(t, w.Body.String(), c.says, c.what)
		require.Len(t, s.History(), steps, c.what)
	}
}
