package console_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/console"
	"github.com/carrierfsm/carrierfsm/outbox"
	"github.com/carrierfsm/carrierfsm/store/acts"
	"github.com/carrierfsm/carrierfsm/store/memory"
)

// logged returns the acts that match, without ids and times.
func (s *fixture) logged(q acts.Query) []acts.Act {
	s.t.Helper()
	list, err := s.Store.(acts.Log).Acts(context.Background(), q)
	require.NoError(s.t, err)
	for i := range list {
		list[i].ID, list[i].At, list[i].Ended = "", time.Time{}, time.Time{}
	}
	return list
}

func TestAnActionIsLoggedWithItsReasonAndOutcome(t *testing.T) {
	t.Parallel()
	s := newFixture(t, carrierfsm.Config{})
	s.setHandlers(map[string]outbox.Handler{"notify": func(context.Context, carrierfsm.Transition) error { return nil }})
	s.must(s.Apply())
	_, err := s.handlers.Deliver(context.Background())
	require.NoError(t, err)
	act := func(kind acts.Kind, reason string) acts.Act {
		return acts.Act{Operator: "li.wei", Kind: kind, Verification: "v1", Count: 1, Reason: reason, Outcome: acts.Done}
	}
	require.Equal(t, http.StatusSeeOther, s.post(s.action("replay", "handler", "notify", "step", "2", "reason", "mail is back")).Code)
	require.Equal(t, http.StatusSeeOther, s.post(s.action("expire", "reason", "  called from 138 0013 8000 ")).Code)
	require.Equal(t, http.StatusConflict, s.post(s.action("cancel")).Code, "it has ended")
	require.Equal(t, http.StatusSeeOther, s.post(s.action("erase", "sure", "on", "reason", "因为 <b>")).Code)
	replay, refused := act(acts.Replay, "mail is back"), act(acts.Cancel, "asked for")
	replay.Handler, replay.Step = "notify", 2
	refused.Outcome, refused.Count = acts.Refused, 0
	require.Empty(t, cmp.Diff([]acts.Act{act(acts.Erase, "因为 <b>"), refused, act(acts.Expire, "called from ****"), replay}, s.logged(acts.Query{})))
	for _, path := range []string{"acts", "acts?id=v1", "acts?operator=li.wei&kind=changes", "verification?id=v1"} {
		page := s.page(path)
		require.Contains(t, page, "因为 &lt;b&gt;", path)
		require.Contains(t, visibleText(page), "li.wei cancel", path)
		require.Contains(t, page, "refused", path)
		require.Contains(t, page, "mail is back", path)
	}
	_, err = s.handlers.Deliver(context.Background())
	require.NoError(t, err)
	n, _, err := s.Machine.Purge(context.Background(), s.Clock.Now().Add(time.Hour))
	require.NoError(t, err)
	require.Equal(t, 1, n)
	require.Contains(t, s.page("acts?id=v1"), "called from ****", "it stays")
}

func TestAnActionNeedsAReason(t *testing.T) {
	t.Parallel()
	s := newFixture(t, carrierfsm.Config{})
	s.setHandlers(map[string]outbox.Handler{"notify": func(context.Context, carrierfsm.Transition) error { return nil }})
	s.must(s.Apply())
	for _, log := range []acts.Log{s.Store.(acts.Log), nil} {
		s.setConsole(s.Machine, func(c *console.Config) { c.Acts = log })
		for _, do := range []string{"cancel", "expire", "erase", "replay"} {
			for _, reason := range []string{"", "  ", "\u200b"} {
				w := s.post(s.action(do, "sure", "on", "handler", "notify", "reason", reason))
				require.Equal(t, http.StatusBadRequest, w.Code, do)
			}
			page := s.page("confirm?do=" + do + "&id=v1&handler=notify&step=1")
			require.Contains(t, page, `name="reason" type="text" required`, do)
		}
	}
	require.Contains(t, s.post(s.action("cancel", "reason", "")).Body.String(), "Say why")
	require.Empty(t, s.logged(acts.Query{Kinds: acts.Changing()}))
	require.Equal(t, carrierfsm.AwaitingPassword, s.Get().State)
	require.Equal(t, http.StatusSeeOther, s.post(s.action("cancel")).Code, "without a log it is done all the same")
}

// unlogged is a store whose log of acts fails.
type unlogged struct {
	*memory.Store
	log, end error
}

func (s *unlogged) LogAct(ctx context.Context, a acts.Act) error {
	if s.log != nil {
		return s.log
	}
	return s.Store.LogAct(ctx, a)
}

func (s *unlogged) EndAct(ctx context.Context, id string, o acts.Outcome, n int) error {
	if s.end != nil {
		return s.end
	}
	return s.Store.EndAct(ctx, id, o, n)
}

func TestAnActionThatCantBeLoggedIsNotDone(t *testing.T) {
	t.Parallel()
	store := &unlogged{Store: memory.New(), log: errors.New("the disk is full")}
	s := newFixture(t, carrierfsm.Config{Store: store})
	for _, do := range []string{"cancel", "expire", "erase"} {
		w := s.post(s.action(do, "sure", "on"))
		require.Equal(t, http.StatusServiceUnavailable, w.Code, do)
		require.Contains(t, w.Body.String(), "Nothing was done.")
	}
	require.Equal(t, carrierfsm.Created, s.Get().State)
	store.log, store.end = nil, errors.New("the disk is full")
	w := s.post(s.action("cancel"))
	require.Equal(t, http.StatusServiceUnavailable, w.Code)
	require.Contains(t, w.Body.String(), "its outcome is missing")
	require.Equal(t, carrierfsm.Canceled, s.Get().Reason)
	require.Contains(t, s.page("acts?open=on"), "not known")
}

func TestALookIsInTheLogOfActs(t *testing.T) {
	t.Parallel()
	store := &unlogged{Store: memory.New()}
	s := newFixture(t, carrierfsm.Config{Store: store})
	s.put("v2", time.Hour, nil)
	s.page("verification?id=v1")
	s.page("confirm?do=cancel&id=v1")
	s.page("list")
	s.page("attention")
	s.page("")
	require.Equal(t, http.StatusNotFound, s.get("verification?id=13800138000").Code)
	require.Equal(t, http.StatusBadRequest, s.post(s.action("replay", "handler", "13800138000", "step", "1")).Code, "nor is the name of a handler that is not there")
	look := acts.Act{Operator: "li.wei", Kind: acts.Show, Verification: "v1", Count: 1, Outcome: acts.Done}
	list, attention := look, look
	list.Kind, list.Verification, list.Count = acts.List, "", 2
	attention.Kind, attention.Verification, attention.Count = acts.List, "", 0
	require.Empty(t, cmp.Diff([]acts.Act{attention, list, look, look}, s.logged(acts.Query{})))

	var log bytes.Buffer
	s.setConsole(s.Machine, func(c *console.Config) { c.Logger = slog.New(slog.NewTextHandler(&log, nil)) })
	store.log = errors.New("the disk is full")
	require.Contains(t, s.page("verification?id=v1"), "Timeline", "an operator has to see a store that can't be written")
	require.Contains(t, log.String(), `"console: a look could not be logged" operator=li.wei kind=show id=v1`)
	store.log = nil
	s.operator.Name = "李 伟"
	require.Equal(t, http.StatusBadRequest, s.get("verification?id=v1").Code, "nobody looks without a name")
	require.Len(t, s.logged(acts.Query{}), 4)
}

func TestActsAreFilteredAndPaged(t *testing.T) {
	t.Parallel()
	s := newFixture(t, carrierfsm.Config{})
	log := s.Store.(acts.Log)
	for i := range 120 {
		a := acts.Act{ID: fmt.Sprintf("a%03d", i), Operator: "bob", Kind: acts.Show, Verification: "v1", Outcome: acts.Done, Reason: fmt.Sprintf("number-%d.", i)}
		if i%40 == 0 {
			a.Operator, a.Kind, a.Outcome, a.Verification = "ann", acts.Purge, "", ""
		}
		require.NoError(t, log.LogAct(context.Background(), a))
	}
	seen := make(map[string]bool)
	for next, n := "acts", 0; next != ""; n++ {
		require.Less(t, n, 3)
		page := s.page(next)
		for i := range 120 {
			if reason := fmt.Sprintf("number-%d.", i); strings.Contains(page, reason) {
				require.False(t, seen[reason], reason)
				seen[reason] = true
			}
		}
		_, next = s.listed(next)
	}
	require.Len(t, seen, 120)
	for query, n := range map[string]int{
		"operator=ann": 3, "kind=changes": 3, "kind=looks&operator=ann": 0, "kind=purge": 3, "open=on": 3, "id=v9": 0, "id=v1&kind=changes": 0,
	} {
		require.Equal(t, n, strings.Count(s.page("acts?"+query), "number-"), query)
	}
	require.Contains(t, s.page("acts?id=v9"), "No act matches.")
	for _, query := range []string{"kind=unknown", "open=yes", "after=x", "after=1."} {
		require.Equal(t, http.StatusBadRequest, s.get("acts?"+query).Code, query)
	}
	require.Contains(t, s.page("acts?"+url.Values{"operator": {`"><script>`}}.Encode()), `value="&#34;&gt;&lt;script&gt;"`)
	s.setConsole(s.Machine, func(c *console.Config) { c.Acts = nil })
	require.Contains(t, s.page("acts"), "keeps no log of acts")
	require.NotContains(t, s.page("verification?id=v1"), "who looked")
}
