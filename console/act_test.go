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
	"time"

	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/console"
	"github.com/carrierfsm/carrierfsm/fsmtest"
	"github.com/carrierfsm/carrierfsm/store/memory"
)

// last is the latest row of the history.
func (s *stand) last() carrierfsm.Transition {
	s.t.Helper()
	list := s.History()
	require.NotEmpty(s.t, list)
	return list[len(list)-1]
}

func TestWhatEndsAVerificationStandsInItsHistoryWithTheOperatorsName(t *testing.T) {
	t.Parallel()
	for do, event := range map[string]carrierfsm.Event{"cancel": carrierfsm.Canceled, "expire": carrierfsm.Expired, "erase": carrierfsm.Erased} {
		var log bytes.Buffer
		s := newStand(t, carrierfsm.Config{}, fsmtest.Code("10002"))
		s.over(s.Machine, func(c *console.Config) { c.Logger = slog.New(slog.NewTextHandler(&log, nil)) })
		s.must(s.Apply())
		s.must(s.Password("246810"))
		w := s.get("confirm?do=" + do + "&id=v1")
		require.Equal(t, http.StatusOK, w.Code)
		require.Contains(t, w.Body.String(), "Your name, li.wei, is written into its history.")
		w = s.post(s.deed(do, "sure", "on"))
		require.Equal(t, http.StatusSeeOther, w.Code, "%s: %s", do, w.Body)
		require.Equal(t, event, s.last().Event)
		require.Equal(t, "li.wei", s.last().Detail.By)
		require.Contains(t, log.String(), "operator=li.wei did="+do+" id=v1")
		page := s.page(w.Header().Get("Location"))
		require.Contains(t, page, `role="status"`, "what was done is said")
		require.Contains(t, page, "<td>li.wei</td>", "and by whom")
	}
}

func TestACancellationThatWaitsSaysSo(t *testing.T) {
	t.Parallel()
	held, gate := fsmtest.Held(fsmtest.Code("10001"))
	s := newStand(t, carrierfsm.Config{}, fsmtest.Accept("chinamobilejs"), held)
	v := s.must(s.Apply())
	done := make(chan error, 1)
	go func() {
		_, err := s.Submit(carrierfsm.Password{Step: v.Step, Password: carrierfsm.NewSecret("246810")})
		done <- err
	}()
	<-gate.Arrived()
	require.Equal(t, http.StatusConflict, s.post(s.deed("expire")).Code, "somebody has answered")
	w := s.post(s.deed("cancel"))
	require.Equal(t, http.StatusSeeOther, w.Code)
	page := s.page(w.Header().Get("Location"))
	require.Contains(t, page, "It takes effect when the answer under way is settled")
	require.Contains(t, page, "then it is canceled")
	require.NotContains(t, page, "do=cancel", "which needs no second time")
	require.NotContains(t, page, "do=expire")
	gate.Open()
	require.NoError(t, <-done)
	require.Equal(t, carrierfsm.Canceled, s.Get().Reason)
	require.Equal(t, "li.wei", s.last().Detail.By)
}

func TestErasingWantsToBeConfirmed(t *testing.T) {
	t.Parallel()
	s := newStand(t, carrierfsm.Config{})
	s.must(s.Apply())
	w := s.post(s.deed("erase"))
	require.Equal(t, http.StatusBadRequest, w.Code)
	require.Contains(t, w.Body.String(), "Tick the box")
	require.Contains(t, w.Body.String(), `href="verification?id=v1"`, "the way back")
	require.NotEmpty(t, s.Get().Account)
}

func TestAnActionInViewOfSomethingOlderIsRefused(t *testing.T) {
	t.Parallel()
	s := newStand(t, carrierfsm.Config{})
	seen := map[string]url.Values{}
	for _, do := range []string{"cancel", "expire", "erase"} {
		seen[do] = s.deed(do, "sure", "on")
	}
	s.must(s.Apply())
	for do, form := range seen {
		w := s.post(form)
		require.Equal(t, http.StatusConflict, w.Code, do)
		require.Contains(t, w.Body.String(), "has moved on since you looked")
	}
	require.Equal(t, carrierfsm.AwaitingPassword, s.Get().State)
}

func TestAReplayIsAskedForInTheOperatorsName(t *testing.T) {
	t.Parallel()
	told := make(map[int]int)
	s := newStand(t, carrierfsm.Config{Handlers: map[string]carrierfsm.Handler{
		"diary": func(_ context.Context, t carrierfsm.Transition) error {
			if told[t.Step]++; t.Step == 2 && told[2] == 1 {
				return errors.New("not today")
			}
			return nil
		},
	}})
	s.must(s.Apply())
	_, err := s.Machine.Deliver(context.Background())
	require.Error(t, err)
	page := s.page("handlers")
	require.Contains(t, page, "it returned an error")
	require.Contains(t, page, "Replay v1 from step 2 to handler diary")
	require.Contains(t, s.page("verification?id=v1"), "it returned an error")
	w := s.post(s.deed("replay", "handler", "diary", "step", "1"))
	require.Equal(t, http.StatusSeeOther, w.Code, w.Body)
	page = s.page(w.Header().Get("Location"))
	require.Contains(t, page, "asked for by li.wei")
	require.Contains(t, page, "The replica that leads the handler calls it again")
	_, err = s.Machine.Deliver(context.Background())
	require.NoError(t, err)
	require.Equal(t, map[int]int{1: 2, 2: 2}, told)
	require.NotContains(t, s.page("handlers"), "Replay")
}

func TestWhatCantBeDoneSaysWhy(t *testing.T) {
	t.Parallel()
	ended := func(s *stand) { s.must(s.Cancel()) }
	for _, c := range []struct {
		what   string
		form   url.Values
		before func(*stand)
		status int
		says   string
	}{
		{"nothing", url.Values{}, nil, http.StatusBadRequest, "makes no sense"},
		{"an unknown deed", url.Values{"do": {"resend"}, "id": {"v1"}, "step": {"0"}}, nil, http.StatusBadRequest, "makes no sense"},
		{"no step", url.Values{"do": {"cancel"}, "id": {"v1"}}, nil, http.StatusBadRequest, "makes no sense"},
		{"no id", url.Values{"do": {"cancel"}, "step": {"0"}}, nil, http.StatusBadRequest, "makes no sense"},
		{"an unknown id", url.Values{"do": {"cancel"}, "id": {"13800138000"}, "step": {"0"}}, nil, http.StatusNotFound, "no verification of this id"},
		{"to cancel what has ended", url.Values{"do": {"cancel"}, "id": {"v1"}, "step": {"1"}}, ended, http.StatusConflict, "has ended already"},
		{"to expire what has ended", url.Values{"do": {"expire"}, "id": {"v1"}, "step": {"1"}}, ended, http.StatusConflict, "has ended already"},
		{"a handler that never was", url.Values{"do": {"replay"}, "id": {"v1"}, "step": {"1"}, "handler": {"nobody"}}, nil, http.StatusBadRequest, "no handler has this name"},
		{"a name that can't stand in a history", url.Values{"do": {"cancel"}, "id": {"v1"}, "step": {"0"}}, func(s *stand) { s.by.Name = "李 伟" }, http.StatusBadRequest, "your name"},
		{"no name", url.Values{"do": {"erase"}, "sure": {"on"}, "id": {"v1"}, "step": {"0"}}, func(s *stand) { s.by.Name = "" }, http.StatusBadRequest, "your name"},
		{"a form of a megabyte", url.Values{"do": {strings.Repeat("x", 1<<20)}}, nil, http.StatusBadRequest, "makes no sense"},
	} {
		s := newStand(t, carrierfsm.Config{})
		if c.before != nil {
			c.before(s)
		}
		steps := len(s.History())
		w := s.post(c.form)
		require.Equal(t, c.status, w.Code, "%s: %s", c.what, w.Body)
		require.Contains(t, w.Body.String(), c.says, c.what)
		require.Len(t, s.History(), steps, c.what)
	}
}

func TestWhatCantBeOpenedIsShownByItsColumnsAndCanOnlyBeErased(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	sealer, err := carrierfsm.NewSealer(carrierfsm.SealKey{ID: "k1", Key: carrierfsm.NewSecret("0123456789abcdef0123456789abcdef")})
	require.NoError(t, err)
	store := memory.New()
	s := newStand(t, carrierfsm.Config{Store: store, Sealer: sealer}, fsmtest.Code("10002"))
	s.must(s.Apply())
	s.must(s.Password("246810"))
	newer := carrierfsm.Record{ID: "newer", State: carrierfsm.AwaitingCaptcha, Version: 1, Table: 99, Created: s.Clock.Now(), Updated: s.Clock.Now(), Due: s.Clock.Now(), Body: []byte("{}")}
	corrupt := newer
	corrupt.ID, corrupt.Table, corrupt.Body = "corrupt", 1, []byte("the person's 13800138000")
	require.NoError(t, errors.Join(store.Create(ctx, newer), store.Create(ctx, corrupt)))
	blind, err := carrierfsm.New(carrierfsm.Config{Store: store, Upstream: s.Upstream, Now: s.Clock.Now})
	require.NoError(t, err)
	s.over(blind)
	s.Clock.Advance(2 * time.Hour)
	attention := s.page("attention")
	for id, says := range map[string]string{
		"v1": "It is sealed, and this process has no key for it.", "newer": "A newer build wrote it", "corrupt": "What it holds is not what this library writes.",
	} {
		s.ID = id
		page := s.page("verification?id=" + id)
		require.Contains(t, page, says)
		require.Contains(t, page, "Only its columns are shown.")
		require.Contains(t, page, "awaiting captcha")
		require.NotContains(t, page, "Account")
		require.NotContains(t, page, "13800138000")
		require.NotContains(t, page, "do=cancel")
		require.Contains(t, attention, says)
		v, err := blind.Peek(ctx, id)
		require.Error(t, err)
		form := url.Values{"do": {"cancel"}, "id": {id}, "step": {itoa(v.Step)}, "sure": {"on"}}
		require.Equal(t, http.StatusConflict, s.post(form).Code, id)
		form.Set("do", "erase")
		require.Equal(t, http.StatusSeeOther, s.post(form).Code, id)
		require.Contains(t, s.page("verification?id="+id), "erased")
	}
	require.Contains(t, s.page("attention"), "Nothing is overdue.")
}

func TestAStoreThatFailsIsSaidSoWithoutItsWords(t *testing.T) {
	t.Parallel()
	store := &counting{Store: memory.New()}
	s := newStand(t, carrierfsm.Config{Store: store})
	store.fails = errors.New("dial tcp 10.0.0.7:5432: password=geheim")
	for path, status := range map[string]int{
		"": http.StatusOK, "attention": http.StatusOK, // each part says so for itself
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
	store.fails = nil
	require.Contains(t, s.page(""), "all 1.", "an error is not kept")
}

// A script that reloads the answer to a form would send the form again.
func TestTheAnswerToAFormIsNeverRefreshed(t *testing.T) {
	t.Parallel()
	s := newStand(t, carrierfsm.Config{})
	require.Contains(t, s.page("verification?id=v1"), `id="refresh"`)
	require.NotContains(t, s.post(s.deed("erase")).Body.String(), `id="refresh"`)
	require.NotContains(t, s.get("confirm?do=erase&id=v1").Body.String(), `id="refresh"`)
}
