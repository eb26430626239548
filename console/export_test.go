package console_test

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/console"
	"github.com/carrierfsm/carrierfsm/store/acts"
)

// exported reads a list as JSON, with all that follows.
func (s *fixture) exported(path string) (rows []map[string]any, requests int) {
	s.t.Helper()
	for path != "" {
		w := s.get(path)
		require.Equal(s.t, http.StatusOK, w.Code, w.Body)
		require.Equal(s.t, "application/json; charset=utf-8", w.Header().Get("Content-Type"))
		require.Contains(s.t, w.Header().Get("Content-Disposition"), "attachment")
		var page struct {
			Rows []map[string]any
			Next string
		}
		require.NoError(s.t, json.Unmarshal(w.Body.Bytes(), &page))
		require.NotNil(s.t, page.Rows)
		require.Equal(s.t, page.Next != "", w.Header().Get("Link") != "")
		rows, path = append(rows, page.Rows...), page.Next
		requests++
	}
	return rows, requests
}

// tableOf reads a CSV, which begins with the mark by which spreadsheets know UTF-8.
func tableOf(t *testing.T, w *httptest.ResponseRecorder) ([][]string, error) {
	t.Helper()
	text, marked := strings.CutPrefix(w.Body.String(), "\ufeff")
	require.True(t, marked)
	return csv.NewReader(strings.NewReader(text)).ReadAll()
}

func TestAListIsExportedAsJSONAndCSV(t *testing.T) {
	t.Parallel()
	s := newFixture(t, carrierfsm.Config{})
	_, err := s.Machine.Create(context.Background(), carrierfsm.NewVerification{ID: "v2", Reference: `=HYPERLINK("x"), "y"`})
	require.NoError(t, err)
	s.must(s.Apply())
	rows, _ := s.exported("list.json?state=awaiting_password")
	require.Equal(t, []map[string]any{{
		"id": "v1", "state": "awaiting_password", "step": 2.0, "source": "chinamobilejs", "source_name": "chinamobilejs", "event": "password_requested",
		"in_flight": false, "created": "2030-06-01T12:00:00Z", "updated": "2030-06-01T12:00:00Z", "due": rows[0]["due"],
	}}, rows)
	empty, _ := s.exported("list.json?state=failed")
	require.Empty(t, empty)
	w := s.get("list.csv?find=v2")
	require.Equal(t, "text/csv; charset=utf-8", w.Header().Get("Content-Type"))
	require.Equal(t, `attachment; filename="verifications.csv"`, w.Header().Get("Content-Disposition"))
	table, err := tableOf(t, w)
	require.NoError(t, err)
	require.Len(t, table, 2)
	require.Equal(t, "id,reference,state,step,source,source_name,event,in_flight,created,updated,due,error", strings.Join(table[0], ","))
	require.Equal(t, `'=HYPERLINK("x"), "y"`, table[1][1], "a spreadsheet takes it for a text")
	require.Equal(t, acts.Export, s.logged(acts.Query{})[0].Kind)
	require.Contains(t, s.page("list?state=done&state=failed"), `href="list.csv?state=done&amp;state=failed"`)
	require.Equal(t, http.StatusBadRequest, s.get("list.csv?state=unknown").Code)
}

// What a spreadsheet takes for a formula is a text for it: also full-width marks, and a
// mark after the end of a line.
func TestACellIsNoFormula(t *testing.T) {
	t.Parallel()
	s := newFixture(t, carrierfsm.Config{})
	for i, text := range []string{"=1", "+1", "-1", "@a", "＝1", "＋1", "－1", "＠a"} {
		_, err := s.Machine.Create(context.Background(), carrierfsm.NewVerification{ID: "f" + itoa(i), Reference: text})
		require.NoError(t, err)
		table, err := tableOf(t, s.get("list.csv?find=f"+itoa(i)))
		require.NoError(t, err)
		require.Equal(t, "'"+text, table[1][1])
	}
}

func TestALongListIsExportedInParts(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) { // fake time: no timeout on a slow machine
		s := newFixture(t, carrierfsm.Config{})
		addMany(t, s, 2_300)
		rows, requests := s.exported("list.json?state=awaiting_captcha")
		require.Len(t, rows, 2_300)
		require.Equal(t, 3, requests)
		seen := make(map[any]bool)
		for _, r := range rows {
			require.False(t, seen[r["id"]])
			seen[r["id"]] = true
		}
	})
}

func TestTheActsAreExported(t *testing.T) {
	t.Parallel()
	s := newFixture(t, carrierfsm.Config{})
	for i := range 1_100 {
		a := acts.Act{ID: fmt.Sprintf("a%04d", i), Operator: "bob", Kind: acts.Purge, Count: i, Reason: "+law"}
		require.NoError(t, s.Store.(acts.Log).LogAct(context.Background(), a))
	}
	rows, requests := s.exported("acts.json?operator=bob")
	require.Len(t, rows, 1_100)
	require.Equal(t, 2, requests)
	require.Equal(t, "purge", rows[0]["kind"])
	_, err := time.Parse(time.RFC3339Nano, rows[0]["at"].(string))
	require.NoError(t, err)
	table, err := tableOf(t, s.get("acts.csv?operator=bob"))
	require.NoError(t, err)
	require.Len(t, table, 1_001)
	require.Equal(t, "'+law", table[1][10])
	require.Len(t, s.logged(acts.Query{Operator: "li.wei", Kinds: []acts.Kind{acts.Export}}), 3, "each file")
	s.setConsole(s.Machine, func(c *console.Config) { c.Acts = nil })
	require.Equal(t, http.StatusNotFound, s.get("acts.json").Code)
}

// What a handler failed with is sealed; the process that has the key opens it for those
// that may look.
func TestWhatIsParkedIsExported(t *testing.T) {
	t.Parallel()
	s, _, _ := newParkedFixture(t)
	rows, _ := s.exported("parked.json?name=notify")
	require.Len(t, rows, 7)
	with := func(id string) map[string]any {
		return rows[slices.IndexFunc(rows, func(r map[string]any) bool { return r["id"] == id })]
	}
	p4 := with("p4")
	require.Equal(t, map[string]any{
		"handler": "notify", "id": "p4", "step": 1.0, "upto": 2.0, "attempts": 1.0, "why": "error", "since": p4["since"], "next": p4["next"],
		"event": "application_accepted", "error": "no order of p4",
	}, p4)
	require.Equal(t, "panic", with("p3")["why"])
	key := s.errorKey()
	require.Contains(t, s.page("handlers?name=notify&error="+key), `href="parked.csv?name=notify&amp;error=`+key+`"`)
	w := s.get("parked.csv?name=notify&error=" + key)
	require.Equal(t, `attachment; filename="parked.csv"`, w.Header().Get("Content-Disposition"))
	table, err := tableOf(t, w)
	require.NoError(t, err)
	require.Len(t, table, 4)
	require.Contains(t, table[1][9], "the <mail> server is away, call ****")
	logged := s.logged(acts.Query{Kinds: []acts.Kind{acts.Export}})
	require.Equal(t, []any{"notify", 3}, []any{logged[0].Handler, logged[0].Count})
	require.Equal(t, http.StatusNotFound, s.get("parked.json?name=other").Code)
	require.Equal(t, http.StatusNotFound, s.get("parked.json").Code)
	require.Equal(t, http.StatusBadRequest, s.get("parked.json?name=notify&after=x").Code)

	s.takeKeys()
	blind, _ := s.exported("parked.json?name=notify")
	require.Len(t, blind, 7)
	require.NotContains(t, blind[0], "error")
	require.Equal(t, "It is sealed, and this process has no key for it.", blind[0]["unreadable"])
	s.operator = console.Operator{Name: "guest"}
	require.Equal(t, http.StatusForbidden, s.get("parked.json?name=notify").Code)
}
