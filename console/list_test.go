package console_test

import (
	"context"
	"fmt"
	"html"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/store/memory"
)

var (
	rowID  = regexp.MustCompile(`<th scope="row"><a class="id" href="[^"]*">([^<]*)</a>`)
	onward = regexp.MustCompile(`<a rel="next" href="([^"]*)">`)
)

// ids are the verifications on a page, and next the link to what follows it.
func (s *stand) ids(path string) (ids []string, next string) {
	s.t.Helper()
	page := s.page(path)
	for _, m := range rowID.FindAllStringSubmatch(page, -1) {
		ids = append(ids, html.UnescapeString(m[1]))
	}
	if m := onward.FindStringSubmatch(page); m != nil {
		next = html.UnescapeString(m[1])
	}
	return ids, next
}

// put writes a record as it is.
func (s *stand) put(id string, ago time.Duration, change func(*carrierfsm.Record)) {
	s.t.Helper()
	at := s.Clock.Now().Add(-ago)
	r := carrierfsm.Record{ID: id, State: carrierfsm.Created, Version: 1, Table: 1, Created: at, Updated: at, Body: []byte(`{"ask":"application"}`)}
	if change != nil {
		change(&r)
	}
	require.NoError(s.t, s.Store.Create(context.Background(), r))
}

func TestAListIsFiltered(t *testing.T) {
	t.Parallel()
	s := newStand(t, carrierfsm.Config{})
	s.put("done", 2*time.Hour, func(r *carrierfsm.Record) {
		r.State, r.Source, r.Reason = carrierfsm.Done, "chinaunicom", carrierfsm.CollectionStarted
	})
	s.put("flying", 10*time.Minute, func(r *carrierfsm.Record) {
		r.State, r.Source, r.Reason, r.InFlight = carrierfsm.AwaitingCaptcha, "chinamobilejs", carrierfsm.CaptchaRequested, true
	})
	for query, want := range map[string][]string{
		"":                        {"v1", "flying", "done"},
		"state=under_way":         {"v1", "flying"},
		"state=done":              {"done"},
		"source=chinaunicom":      {"done"},
		"event=captcha_requested": {"flying"},
		"in_flight=on":            {"flying"},
		"age=5m":                  {"flying", "done"},
		"age=1h":                  {"done"},
		"age=24h":                 nil,
		"state=created&source=chinaunicom&event=&age=": nil,
	} {
		ids, next := s.ids("list?" + query)
		require.Equal(t, want, ids, query)
		require.Empty(t, next, query)
	}
	require.Contains(t, s.page("list?age=168h"), "No verification matches.")
	for _, query := range []string{"state=unknown", "event=nothing", "age=3m", "source=%3Cscript%3E", "in_flight=yes", "after=x", "after=1.", "after=x.v1"} {
		require.Equal(t, http.StatusBadRequest, s.get("list?"+query).Code, query)
	}
	require.Contains(t, s.page("list?state=done"), `<option value="done" selected>`, "the form shows what was asked for")
}

func TestPagesNeitherRepeatNorSkipWhileVerificationsAreAdded(t *testing.T) {
	t.Parallel()
	s := newStand(t, carrierfsm.Config{})
	var want []string
	for i := range 130 {
		id := fmt.Sprintf("p%%&#+%03d", i)                         // what an id may hold
		s.put(id, time.Duration(i/3)*time.Second+time.Second, nil) // three at a time are equal
		want = append(want, id)
	}
	var got []string
	for next, n := "list?age=&state=created", 0; next != ""; n++ {
		var ids []string
		ids, next = s.ids(next)
		got = append(got, ids...)
		s.put(fmt.Sprintf("new%d", n), 0, nil)
	}
	require.Equal(t, "v1", got[0])
	require.Len(t, got, 131)
	sorted := slices.Sorted(slices.Values(got[1:]))
	require.Equal(t, slices.Sorted(slices.Values(want)), sorted)
}

func TestAFilterThatMatchesLittleIsLookedForPieceByPiece(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) { // in which the machine can be slow without being late
		store := &counting{Store: memory.New()}
		s := newStand(t, carrierfsm.Config{Store: store})
		many(t, s, 6_000)
		s.put("needle", 100*day, func(r *carrierfsm.Record) { r.State = carrierfsm.Failed })
		store.reset()
		var looks int
		for next := "list?state=failed"; ; looks++ {
			ids, further := s.ids(next)
			if looks < 1 {
				require.Empty(t, ids)
				require.Contains(t, s.page(next), "Looked at 5000 verifications")
			}
			if next = further; next == "" {
				require.Equal(t, []string{"needle"}, ids)
				break
			}
		}
		require.Equal(t, 1, looks)
	})
}

// many adds so many verifications, a second apart.
func many(t *testing.T, s *stand, n int) {
	t.Helper()
	for i := range n {
		s.put(fmt.Sprintf("many-%06d", i), time.Duration(i)*time.Second, func(r *carrierfsm.Record) {
			r.State, r.Source, r.Reason = carrierfsm.AwaitingCaptcha, "chinamobilejs", carrierfsm.CaptchaRequested
			if i%2 == 0 {
				r.Due = s.Clock.Now().Add(-time.Hour)
			}
		})
	}
}

// No page may cost more because there are many verifications.
func TestEachPageMakesAFewCallsAndReadsBoundedlyManyRows(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) { // in which the machine can be slow without being late
		store := &counting{Store: memory.New()}
		s := newStand(t, carrierfsm.Config{Store: store, Handlers: map[string]carrierfsm.Handler{
			"diary": func(context.Context, carrierfsm.Transition) error { return context.Canceled },
		}})
		many(t, s, 6_000)
		s.must(s.Apply())
		_, err := s.Machine.Deliver(context.Background())
		require.Error(t, err)
		for path, most := range map[string]struct{ calls, rows int }{
			"":                  {24 + 2, 24*201 + 101 + 1},
			"./?window=1h":      {24 + 2, 24*201 + 101 + 1},
			"list":              {1, 51},
			"list?state=failed": {7, 5000},
			"list?source=chinaunicom&event=expired&in_flight=on&age=5m": {7, 5000},
			"attention":               {8, 51 + 5000},
			"verification?id=v1":      {4, 1 + 2 + 2},
			"confirm?do=cancel&id=v1": {1, 1},
			"handlers":                {2, 1 + 11},
			"handlers?name=diary":     {2, 1 + 51},
		} {
			store.reset()
			s.page(path)
			require.LessOrEqual(t, store.reads, most.calls, path)
			require.LessOrEqual(t, store.rows, most.rows, path)
			require.Positive(t, store.reads, path)
		}
		s.Clock.Advance(20 * time.Second) // the figures are old by now
		store.reset()
		s.page("")
		require.Equal(t, 24+2, store.reads, "the window has as many parts")
		store.reset()
		s.page("")
		require.Equal(t, 2, store.reads, "figures are kept for a while")
	})
}

func TestAnIDIsFoundWhateverItHolds(t *testing.T) {
	t.Parallel()
	s := newStand(t, carrierfsm.Config{})
	for _, id := range []string{"..", "a/b", "100%", "a&b=c", `"><script>`, "?x#y", "a+b", strings128} {
		s.put(id, 0, nil)
		page := s.page("verification?" + url.Values{"id": {id}}.Encode())
		require.Contains(t, html.UnescapeString(page), id)
		require.NotContains(t, page, "<script>")
	}
	ids, _ := s.ids("list")
	require.Contains(t, ids, `"><script>`)
	w := s.get("verification?id=13800138000")
	require.Equal(t, http.StatusNotFound, w.Code)
	require.NotContains(t, w.Body.String(), "13800138000", "what was looked for may be personal")
}

var strings128 = func() string {
	long := make([]byte, 128)
	for i := range long {
		long[i] = 'x'
	}
	return string(long)
}()
