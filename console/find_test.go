package console_test

import (
	"bytes"
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/budget"
	"github.com/carrierfsm/carrierfsm/console"
	"github.com/carrierfsm/carrierfsm/store/acts"
)

// find submits the form of the page's head.
func (s *fixture) find(text string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodPost, "/console/find", strings.NewReader(url.Values{"find": {text}}.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	return s.do(r)
}

func TestAVerificationIsFoundByNumberIDOrReference(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	numbers, err := budget.NewNumbers([]byte("0123456789abcdef0123456789abcdef"))
	require.NoError(t, err)
	var log bytes.Buffer
	s := newFixture(t, carrierfsm.Config{Numbers: numbers})
	s.setConsole(s.Machine, func(c *console.Config) {
		c.NumberKey, c.Logger = numbers.Key, slog.New(slog.NewTextHandler(&log, nil))
	})
	s.operator.Access = console.Look
	s.must(s.Apply()) // 13800138000
	_, err = s.Machine.Create(ctx, carrierfsm.NewVerification{ID: "person-7", Reference: "order <7>"})
	require.NoError(t, err)
	for text, to := range map[string]string{
		"13800138000": "verification?id=v1", " 138-0013-8000\n": "verification?id=v1", "+86 138 0013 8000": "verification?id=v1",
		" v1 ": "verification?id=v1", "person-7": "verification?id=person-7", "person": "list?find=person", "order <7>": "list?find=order+%3C7%3E",
	} {
		w := s.find(text)
		require.Equal(t, http.StatusSeeOther, w.Code, text)
		require.Equal(t, to, w.Header().Get("Location"), text)
		if strings.HasPrefix(to, "list") {
			ids, _ := s.listed(to)
			require.Equal(t, []string{"person-7"}, ids)
		}
	}
	w := s.find("138 0013 8042")
	require.Equal(t, http.StatusNotFound, w.Code)
	require.Contains(t, w.Body.String(), "There is no live verification of this number.")
	for _, held := range []string{w.Body.String(), log.String()} {
		require.NotContains(t, held, "8042")
	}
	for _, text := range []string{"", "  ", strings.Repeat("x", 129)} {
		require.Equal(t, http.StatusBadRequest, s.find(text).Code)
	}
	found := acts.Act{Operator: "li.wei", Kind: acts.Find, Verification: "v1", Count: 1, Outcome: acts.Done}
	none, list := found, found
	none.Verification, none.Count, list.Verification = "", 0, ""
	logged := s.logged(acts.Query{})
	require.Empty(t, cmp.Diff(none, logged[0]))
	require.ElementsMatch(t, []acts.Act{none, found, found, found, list, list}, logged, "what was typed is not logged")

	r := httptest.NewRequest(http.MethodPost, "/console/find", strings.NewReader("find=v1"))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Sec-Fetch-Site", "cross-site")
	require.Equal(t, http.StatusForbidden, s.do(r).Code)
	require.Equal(t, http.StatusMethodNotAllowed, s.get("find?find=v1").Code)
}

// A number has no place in an address, with or without a key.
func TestANumberIsNeverPartOfAnAddress(t *testing.T) {
	t.Parallel()
	s := newFixture(t, carrierfsm.Config{})
	for name, key := range map[string]func(string) (string, error){"no key": nil, "no numbers": budget.None().Key} {
		s.setConsole(s.Machine, func(c *console.Config) { c.NumberKey = key })
		w := s.find("13800138000")
		require.Equal(t, http.StatusNotFound, w.Code, name)
		require.Empty(t, w.Header().Get("Location"))
		require.Contains(t, w.Body.String(), "find verifications by their numbers")
	}
}

func TestAnUnknownParameterIsNamed(t *testing.T) {
	t.Parallel()
	s := newFixture(t, carrierfsm.Config{})
	for path, says := range map[string]string{
		"list?stat=done": "This page has no parameter “stat”.", "?windows=1h": "“windows”", "attention?id=v1&page=2": "“page”", "acts?by=ann": "“by”",
		"verification?id=v1&step=1": "“step”", "handlers?handler=notify": "“handler”", "confirm?do=cancel&id=v1&sure=on": "“sure”", "list.csv?limit=9": "“limit”",
		"list?13800138000=": "does not have one of the parameters", "list?%3Cscript%3E=1": "does not have one of the parameters",
	} {
		w := s.get(path)
		require.Equal(t, http.StatusBadRequest, w.Code, path)
		require.Contains(t, w.Body.String(), says, path)
		require.NotContains(t, w.Body.String(), "13800138000")
	}
}

func TestTheStepThatEndedAVerificationIsNamed(t *testing.T) {
	t.Parallel()
	s := newFixture(t, carrierfsm.Config{})
	require.Contains(t, visibleText(s.page("verification?id=v1")), "created at step 0")
	s.must(s.Apply())
	require.Contains(t, visibleText(s.page("verification?id=v1")), "awaiting password at step 2, since password requested")
	s.Clock.Advance(day)
	_, err := s.Machine.Settle(context.Background())
	require.NoError(t, err)
	require.Contains(t, visibleText(s.page("verification?id=v1")), "failed at step 3: expired Facts")
	s.Clock.Advance(time.Second)
	require.NoError(t, s.Machine.Erase(context.Background(), "v1"))
	require.Contains(t, visibleText(s.page("verification?id=v1")), "failed at step 3: expired; at step 4: erased")
}
