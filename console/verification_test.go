package console_test

import (
	"bytes"
	"context"
	"errors"
	"html"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/budget"
	"github.com/carrierfsm/carrierfsm/console"
	"github.com/carrierfsm/carrierfsm/fsmtest"
	"github.com/carrierfsm/carrierfsm/store/memory"
	"github.com/carrierfsm/carrierfsm/store/seal"
)

func TestAnUnreadableRecordIsShownByItsColumnsAndCanOnlyBeErased(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	sealer, err := seal.New(seal.Key{ID: "k1", Key: carrierfsm.NewSecret("0123456789abcdef0123456789abcdef")})
	require.NoError(t, err)
	store := memory.New()
	s := newFixture(t, carrierfsm.Config{Store: store, Sealer: sealer}, fsmtest.Code("10002"))
	s.must(s.Apply())
	s.must(s.Password("246810"))
	newer := carrierfsm.Record{ID: "newer", State: carrierfsm.AwaitingCaptcha, Version: 1, Table: 99, Created: s.Clock.Now(), Updated: s.Clock.Now(), Due: s.Clock.Now(), Body: []byte("{}")}
	corrupt := newer
	corrupt.ID, corrupt.Table, corrupt.Body = "corrupt", 1, []byte("the person's 13800138000")
	require.NoError(t, errors.Join(store.Create(ctx, newer), store.Create(ctx, corrupt)))
	blind, err := carrierfsm.New(carrierfsm.Config{Numbers: budget.None(), Store: store, Upstream: s.Upstream, Now: s.Clock.Now})
	require.NoError(t, err)
	s.setConsole(blind)
	s.Clock.Advance(2 * time.Hour)
	attention := s.page("attention")
	for id, says := range map[string]string{
		"v1": "It is sealed, and this process has no key for it.", "newer": "A newer build wrote it", "corrupt": "Its content was not written by this library, or is damaged.",
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
		v, err := blind.Read(ctx, id)
		require.Error(t, err)
		form := url.Values{"do": {"cancel"}, "id": {id}, "step": {itoa(v.Step)}, "sure": {"on"}, "reason": {"asked for"}}
		require.Equal(t, http.StatusConflict, s.post(form).Code, id)
		form.Set("do", "erase")
		require.Equal(t, http.StatusSeeOther, s.post(form).Code, id)
		require.Contains(t, s.page("verification?id="+id), "erased")
	}
	require.Contains(t, s.page("attention"), "Nothing is overdue.")
}

func TestAVerificationIsFoundByAnyID(t *testing.T) {
	t.Parallel()
	s := newFixture(t, carrierfsm.Config{})
	for _, id := range []string{"..", "a/b", "100%", "a&b=c", `"><script>`, "?x#y", "a+b", strings.Repeat("x", 128)} {
		s.put(id, 0, nil)
		page := s.page("verification?" + url.Values{"id": {id}}.Encode())
		require.Contains(t, html.UnescapeString(page), id)
		require.NotContains(t, page, "<script>")
	}
	ids, _ := s.listed("list")
	require.Contains(t, ids, `"><script>`)
	w := s.get("verification?id=13800138000")
	require.Equal(t, http.StatusNotFound, w.Code)
	require.NotContains(t, w.Body.String(), "13800138000", "a wrong id may be a phone number")
}

func TestTheReferenceOfTheHostIsShown(t *testing.T) {
	t.Parallel()
	s := newFixture(t, carrierfsm.Config{})
	_, err := s.Machine.Create(context.Background(), carrierfsm.NewVerification{ID: "v7", Reference: "order <117>"})
	require.NoError(t, err)
	require.Contains(t, s.page("verification?id=v7"), "<dt>Reference</dt><dd>order &lt;117&gt;</dd>")
	require.NotContains(t, s.page("verification?id=v1"), "Reference")
	require.Contains(t, s.page("list"), `<td class="reference">order &lt;117&gt;</td>`)
}

// Who looked at which verification is logged: an act is in its history too.
func TestALookAtAVerificationIsLogged(t *testing.T) {
	t.Parallel()
	s := newFixture(t, carrierfsm.Config{})
	var log bytes.Buffer
	s.setConsole(s.Machine, func(c *console.Config) { c.Logger = slog.New(slog.NewTextHandler(&log, nil)) })
	s.get("list")
	require.Empty(t, log.String())
	s.get("verification?id=v1")
	require.Contains(t, log.String(), `"console: an operator looked" operator=li.wei id=v1`)
}
