package console_test

import (
	"context"
	"fmt"
	"html"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/fsmtest"
	"github.com/carrierfsm/carrierfsm/store/memory"
)

func itoa(n int) string { return strconv.Itoa(n) }

func TestTheOverviewTellsCountsFunnelAndTimes(t *testing.T) {
	t.Parallel()
	s := newStand(t, carrierfsm.Config{}, fsmtest.Code("10002"), fsmtest.Code("10008"))
	s.Clock.Advance(10 * time.Second)
	s.must(s.Apply())
	s.Clock.Advance(20 * time.Second)
	s.must(s.Password("246810"))
	s.Clock.Advance(95 * time.Second)
	s.must(s.Captcha("500001"))
	s.must(s.Machine.Create(context.Background(), carrierfsm.NewVerification{ID: "v2"}))
	require.NoError(t, s.Machine.Expire(context.Background(), "v2"))
	page := text(s.page(""))
	for _, says := range []string{
		": all 2.", "Done 50 % 1 of the 2 looked at", "all is settled in time",
		"all 1 1 2 none yet 1 1 chinamobilejs 1 1",        // where they stand
		"created 2 100 % applied 1 50 %", "failed 1 50 %", // how far they came
		"chinamobilejs 10 s / 10 s (1) 20 s / 20 s (1) 1 min 35 s / 1 min 35 s (1)", // how long they stay
		"expired 1 100 %", // why they failed
	} {
		require.Contains(t, page, says)
	}
	require.Equal(t, http.StatusBadRequest, s.get("?window=1y").Code)
}

// text is what of a page can be read.
func text(page string) string {
	page = regexp.MustCompile(`(?s)<svg.*?</svg>|<[^>]*>`).ReplaceAllString(page, " ")
	return strings.Join(strings.Fields(html.UnescapeString(page)), " ")
}

func TestASampleSaysThatItIsOne(t *testing.T) {
	t.Parallel()
	s := newStand(t, carrierfsm.Config{})
	many(t, s, 300)
	require.Contains(t, text(s.page("?window=24h")), "a sample of 200 : the first ones of each 1 h")
}

func TestAStoreWithoutFurtherPowersIsShownAllTheSame(t *testing.T) {
	t.Parallel()
	s := newStand(t, carrierfsm.Config{Store: struct{ carrierfsm.Store }{memory.New()}})
	s.must(s.Apply())
	require.Contains(t, s.page(""), "so there are no figures")
	require.Contains(t, s.page("handlers"), "keeps no place for handlers")
	require.Contains(t, s.page("verification?id=v1"), "138****8000")
	ids, _ := s.ids("list")
	require.Equal(t, []string{"v1"}, ids)
}

func TestAttentionTellsWhatIsOverdueAndWhatIsUnknown(t *testing.T) {
	t.Parallel()
	s := newStand(t, carrierfsm.Config{})
	page := text(s.page("attention"))
	require.Contains(t, page, "Nothing is overdue.")
	require.Contains(t, page, "There are none.")
	s.must(s.Apply())
	s.Upstream.Then(fsmtest.Lost())
	s.must(s.Password("246810"))
	ids, _ := s.ids("attention")
	require.Equal(t, []string{"v1"}, ids, "unknown, and not overdue")
	s.Clock.Advance(10*time.Minute + 30*time.Second)
	require.Contains(t, s.page("attention"), "Nothing is overdue.", "Run may yet settle it")
	s.Clock.Advance(time.Minute)
	page = text(s.page("attention"))
	require.Contains(t, page, "v1 awaiting password 3 chinamobilejs outcome unknown 1 min 30 s ago it can be opened here")
	require.Contains(t, text(s.page("")), "Overdue 1 the oldest was due 1 min 30 s ago")
	require.Contains(t, text(s.page("verification?id=v1")), "Its time is over, and no replica has settled it yet.")
	s.Settle()
	ids, _ = s.ids("attention")
	require.Empty(t, ids, "what has ended needs no attention")
}

func TestWhatIsOverdueIsPagedTheLongestFirst(t *testing.T) {
	t.Parallel()
	s := newStand(t, carrierfsm.Config{})
	many(t, s, 240) // half of them is due
	seen := make(map[string]bool)
	for next := "attention"; next != ""; {
		page := s.page(next)
		overdue, _, _ := strings.Cut(page, `id="h-unknown"`)
		for _, m := range rowID.FindAllStringSubmatch(overdue, -1) {
			require.False(t, seen[m[1]], m[1])
			seen[m[1]] = true
		}
		next = ""
		if m := onward.FindStringSubmatch(overdue); m != nil {
			next = html.UnescapeString(m[1])
		}
	}
	require.Len(t, seen, 120)
	require.Contains(t, text(s.page("")), "Overdue 100+")
	require.Equal(t, http.StatusBadRequest, s.get("attention?due=x.y").Code)
	require.Equal(t, http.StatusBadRequest, s.get("attention?after=1").Code)
}

func TestParkedRowsArePagedByHandler(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	const name = "a&b=c"
	s := newStand(t, carrierfsm.Config{Handlers: map[string]carrierfsm.Handler{
		name:    func(context.Context, carrierfsm.Transition) error { return context.Canceled },
		"other": func(context.Context, carrierfsm.Transition) error { return nil },
	}})
	for i := range 60 {
		s.another("p" + itoa(i))
	}
	_, err := s.Machine.Deliver(ctx)
	require.Error(t, err)
	ids, _ := s.ids("handlers")
	require.Len(t, ids, 10, "some of each")
	seen := make(map[string]bool)
	for next := "handlers?name=" + url.QueryEscape(name); next != ""; {
		ids, next = s.ids(next)
		for _, id := range ids {
			require.False(t, seen[id], id)
			seen[id] = true
		}
	}
	require.Len(t, seen, 60)
	require.Equal(t, http.StatusNotFound, s.get("handlers?name=nobody").Code)
	require.Equal(t, http.StatusBadRequest, s.get("handlers?after=1.x").Code, "a mark is of one handler")
}

func TestTheDiagramIsThatOfTheTable(t *testing.T) {
	t.Parallel()
	s := newStand(t, carrierfsm.Config{}, fsmtest.Code("10003"), fsmtest.Code("10002"))
	s.must(s.Apply())
	s.must(s.Password("111111"))
	s.must(s.Password("246810"))
	page := s.page("verification?id=v1")
	arrows := make(map[string]string) // by what it leads from and to
	taken := make(map[string]bool)
	for _, m := range regexp.MustCompile(`<g class="arrow( taken)?"><title>([a-z ]+) to ([a-z ]+): ([^<]*)</title>`).FindAllStringSubmatch(page, -1) {
		way := m[2] + ">" + m[3]
		require.NotContains(t, arrows, way, "one arrow for all events between two states")
		arrows[way], taken[way] = m[4], m[1] != ""
	}
	want := make(map[string]int)
	name := func(s any) string { return strings.ReplaceAll(fmt.Sprint(s), "_", " ") }
	for _, e := range carrierfsm.Edges() {
		way := name(e.From) + ">" + name(e.To)
		want[way]++
		require.Contains(t, strings.Split(arrows[way], ", "), name(e.Event), way)
	}
	require.Len(t, arrows, len(want))
	for way, n := range want {
		require.Len(t, strings.Split(arrows[way], ", "), n, way)
		been := map[string]bool{
			"created>applied": true, "applied>awaiting password": true, "awaiting password>awaiting password": true, "awaiting password>awaiting captcha": true,
		}
		require.Equal(t, been[way], taken[way], way)
	}
	require.Contains(t, page, `class="box awaiting_captcha visited present"`)
	require.Contains(t, page, `class="box awaiting_password visited"`)
	require.Contains(t, page, `class="box done"`)
	require.Contains(t, page, "It stands at awaiting captcha, and has been at created, applied, awaiting password.")
}

// slow holds its surveys back.
type slow struct {
	*counting
	open chan struct{}
}

func (s slow) Survey(ctx context.Context, from, until time.Time, limit int) ([]carrierfsm.Course, error) {
	select {
	case <-s.open:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	return s.counting.Survey(ctx, from, until, limit)
}

func TestOfManyWhoLookAtOnceOneComputesTheFigures(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := slow{&counting{Store: memory.New()}, make(chan struct{})}
		s := newStand(t, carrierfsm.Config{Store: store})
		store.reset()
		first, leave := context.WithCancel(context.Background())
		second, leaveToo := context.WithCancel(context.Background())
		defer leaveToo()
		pages := make([]*httptest.ResponseRecorder, 10)
		var all sync.WaitGroup
		look := func(i int, ctx context.Context) {
			all.Go(func() { pages[i] = s.do(httptest.NewRequest(http.MethodGet, "/", nil).WithContext(ctx)) })
			synctest.Wait()
		}
		look(0, first)
		look(1, second)
		for i := range pages[2:] {
			look(i+2, context.Background())
		}
		leave() // who computes, and one who waits
		leaveToo()
		synctest.Wait()
		close(store.open)
		all.Wait()
		for i, w := range pages[2:] {
			require.Contains(t, w.Body.String(), ": all 1.", i)
		}
		require.NotContains(t, pages[1].Body.String(), ": all 1.")
		require.Equal(t, 24+10*2, store.reads, "one survey, and two small questions of each")
	})
}

func TestAStoreThatHangsIsNotWaitedForForEver(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := slow{&counting{Store: memory.New()}, make(chan struct{})}
		s := newStand(t, carrierfsm.Config{Store: store})
		require.Contains(t, s.page(""), "The store did not answer")
		close(store.open)
		require.Contains(t, s.page(""), ": all 1.")
	})
}
