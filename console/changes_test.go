package console_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/budget"
	"github.com/carrierfsm/carrierfsm/console"
	"github.com/carrierfsm/carrierfsm/fsmtest"
	"github.com/carrierfsm/carrierfsm/outbox"
	"github.com/carrierfsm/carrierfsm/store/acts"
	"github.com/carrierfsm/carrierfsm/store/memory"
)

// stream is a request for a stream of changes in the bubble of a test.
type stream struct {
	*httptest.ResponseRecorder
	mu   sync.Mutex
	end  context.CancelFunc
	done chan struct{}
}

func (w *stream) WriteString(text string) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.ResponseRecorder.WriteString(text)
}

func (w *stream) text() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.Body.String()
}

// listen opens a stream.
func (s *fixture) listen(path string) *stream {
	ctx, cancel := context.WithCancel(context.Background())
	w := &stream{ResponseRecorder: httptest.NewRecorder(), end: cancel, done: make(chan struct{})}
	r := httptest.NewRequest(http.MethodGet, "/console/"+path, nil).WithContext(ctx)
	go func() {
		defer close(w.done)
		http.StripPrefix("/console", s.console).ServeHTTP(w, r)
	}()
	synctest.Wait()
	return w
}

// after returns how many events were sent once so much time has passed.
func (w *stream) after(d time.Duration) int {
	time.Sleep(d) //nolint:forbidigo // in a bubble, where time passes at once
	synctest.Wait()
	return strings.Count(w.text(), "event: changed\n")
}

// move commits transitions of one more verification.
func (s *fixture) move(id string) {
	s.Upstream.Then(fsmtest.Accept("chinaunicom"))
	s.Clock.Advance(time.Second)
	s.addVerification(id)
}

func TestAStreamSaysThatSomethingWasCommitted(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newFixture(t, carrierfsm.Config{})
		w := s.listen("changes")
		require.Equal(t, http.StatusOK, w.Code)
		require.Equal(t, "text/event-stream", w.Header().Get("Content-Type"))
		require.True(t, w.Flushed)
		require.Zero(t, w.after(10500*time.Millisecond), "nothing happened")
		s.move("v2")
		require.Equal(t, 1, w.after(0), "at once")
		for _, id := range []string{"v3", "v4", "v5", "v6"} {
			s.move(id)
		}
		require.Equal(t, 1, w.after(999*time.Millisecond))
		require.Equal(t, 2, w.after(2*time.Second), "several are one event")
		require.Equal(t, 2, w.after(10*time.Second))
		require.Equal(t, 3, w.after(5*time.Second), "what grows old on a page")
		w.end()
		<-w.done
	})
}

// Another process commits to the store, and this one's Machine does not hear of it.
func TestAStreamSaysWhatAnotherProcessCommitted(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newFixture(t, carrierfsm.Config{})
		other, err := carrierfsm.New(carrierfsm.Config{Numbers: budget.None(), Store: s.Store, Upstream: s.Upstream, Now: s.Clock.Now})
		require.NoError(t, err)
		all, one, another := s.listen("changes"), s.listen("changes?id=v1"), s.listen("changes?id=v2")
		require.Equal(t, http.StatusNotFound, another.Code)
		require.Zero(t, all.after(3*time.Second))
		s.Clock.Advance(time.Second)
		_, err = other.Create(context.Background(), carrierfsm.NewVerification{ID: "v2"})
		require.NoError(t, err)
		require.Equal(t, 1, all.after(4*time.Second))
		require.Zero(t, one.after(0), "it is about another verification")
		_, err = other.Submit(context.Background(), "v1", carrierfsm.Apply{Form: fsmtest.Form(), Consent: fsmtest.Consent()})
		require.NoError(t, err)
		require.Equal(t, 1, one.after(4*time.Second))
		all.end()
		one.end()
		<-all.done
		<-one.done
	})
}

// loadsOfV1 counts the loads of v1.
type loadsOfV1 struct {
	*memory.Store
	n atomic.Int64
}

func (s *loadsOfV1) Load(ctx context.Context, id string) (carrierfsm.Record, error) {
	if id == "v1" {
		s.n.Add(1)
	}
	return s.Store.Load(ctx, id)
}

// Many commits a second cost a stream one read a second.
func TestAStreamOfOneVerificationReadsAtMostOnceASecond(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := &loadsOfV1{Store: memory.New()}
		s := newFixture(t, carrierfsm.Config{Store: store})
		w := s.listen("changes?id=v1")
		before := store.n.Load()
		for i := range 200 {
			s.move("busy-" + itoa(i))
			require.Zero(t, w.after(10*time.Millisecond))
		}
		require.LessOrEqual(t, store.n.Load()-before, int64(4), "at 0, 1 and 2 s, and for the poll")
		w.end()
		<-w.done
	})
}

// A browser connects again, and is authorized again.
func TestAStreamEndsByItself(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newFixture(t, carrierfsm.Config{})
		w := s.listen("changes")
		w.after(5 * time.Minute)
		<-w.done
		require.Contains(t, w.text(), "retry: 3000\n")
	})
}

func TestStreamsEndWithTheMachine(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newFixture(t, carrierfsm.Config{})
		w := s.listen("changes")
		require.NoError(t, s.Machine.Close(context.Background()))
		w.after(3 * time.Second)
		<-w.done
	})
}

// http.Server.Shutdown waits for requests, and does not end their contexts.
func TestStreamsEndWhenTheServerShutsDown(t *testing.T) {
	t.Parallel()
	s := newFixture(t, carrierfsm.Config{})
	server := httptest.NewServer(s.console)
	defer server.Close()
	var bodies []io.ReadCloser
	for range 3 {
		r, err := http.Get(server.URL + "/changes")
		require.NoError(t, err)
		defer func() { require.NoError(t, r.Body.Close()) }()
		bodies = append(bodies, r.Body)
	}
	require.NoError(t, server.Config.Shutdown(t.Context()))
	for _, body := range bodies {
		_, err := io.ReadAll(body)
		require.NoError(t, err)
	}
}

// The first stream may come when the server has begun to shut down: too late to register.
func TestAStreamThatBeginsDuringAShutdownEnds(t *testing.T) {
	t.Parallel()
	s := newFixture(t, carrierfsm.Config{})
	arrived, shutting := make(chan struct{}), make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/changes" {
			close(arrived)
			<-shutting
		}
		s.console.ServeHTTP(w, r)
	}))
	defer server.Close()
	server.Config.RegisterOnShutdown(func() { close(shutting) })
	get := func(path string) {
		r, err := http.Get(server.URL + path)
		if err == nil {
			_, err = io.Copy(io.Discard, r.Body)
			err = errors.Join(err, r.Body.Close())
		}
		if err != nil {
			t.Error(err)
		}
	}
	get("/list")
	var streaming sync.WaitGroup
	streaming.Go(func() { get("/changes") })
	<-arrived
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	require.NoError(t, server.Config.Shutdown(ctx))
	streaming.Wait()
}

func TestStreamsAreBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newFixture(t, carrierfsm.Config{})
		var open []*stream
		for range 200 {
			open = append(open, s.listen("changes"))
		}
		refused := s.get("changes")
		require.Equal(t, http.StatusServiceUnavailable, refused.Code)
		require.NotContains(t, refused.Header().Get("Content-Type"), "event-stream")
		open[7].end()
		<-open[7].done
		open[7] = s.listen("changes")
		require.Equal(t, "text/event-stream", open[7].Header().Get("Content-Type"))
		for _, w := range open {
			w.end()
			<-w.done
		}
	})
}

func TestAStreamIsForOperatorsOnAPageOfTheConsole(t *testing.T) {
	t.Parallel()
	s := newFixture(t, carrierfsm.Config{})
	r := httptest.NewRequest(http.MethodGet, "/console/changes", nil)
	r.Header.Set("Sec-Fetch-Site", "cross-site")
	require.Equal(t, http.StatusForbidden, s.do(r).Code)
	w := s.do(httptest.NewRequest(http.MethodHead, "/console/changes", nil))
	require.Equal(t, http.StatusOK, w.Code)
	require.Empty(t, w.Body.String())
	s.operator = console.Operator{}
	require.Equal(t, http.StatusForbidden, s.get("changes").Code)
}

// A page that updates itself is one look, not one every few seconds; who says so without
// having looked is logged all the same.
func TestAPageThatUpdatesItselfIsLoggedEveryFiveMinutes(t *testing.T) {
	t.Parallel()
	s := newFixture(t, carrierfsm.Config{})
	update := func(path string) {
		r := httptest.NewRequest(http.MethodGet, "/console/"+path, nil)
		r.Header.Set("Carrierfsm-Update", "1")
		require.Equal(t, http.StatusOK, s.do(r).Code)
	}
	looks := func() int {
		list, err := s.Store.(acts.Log).Acts(context.Background(), acts.Query{Kinds: acts.Looking(), Limit: 100})
		require.NoError(t, err)
		return len(list)
	}
	update("verification?id=v1")
	require.Equal(t, 1, looks(), "it did not look before")
	for range 10 {
		s.Clock.Advance(29 * time.Second)
		update("verification?id=v1")
	}
	require.Equal(t, 1, looks())
	s.Clock.Advance(10 * time.Second)
	update("verification?id=v1")
	require.Equal(t, 2, looks())
	s.page("verification?id=v1")
	require.Equal(t, 3, looks(), "a look of its own")
	update("list")
	update("list?state=done")
	require.Equal(t, 5, looks(), "other pages")
	s.operator.Name = "wang.fang"
	update("list")
	require.Equal(t, 6, looks(), "another operator")
}

// A file, and a number that is looked for, are no update of a page, whatever a request says.
func TestOnlyAPageIsAnUpdate(t *testing.T) {
	t.Parallel()
	s := newFixture(t, carrierfsm.Config{})
	s.setHandlers(map[string]outbox.Handler{"notify": func(context.Context, carrierfsm.Transition) error { return nil }})
	s.setConsole(s.Machine, func(c *console.Config) {
		c.NumberKey = func(number string) (string, error) { return "key of " + number, nil }
	})
	s.count()
	update := func(r *http.Request) {
		r.Header.Set("Carrierfsm-Update", "1")
		s.do(r)
	}
	for _, file := range []string{"list.json", "list.csv", "acts.csv", "parked.csv?name=notify"} {
		for range 2 {
			update(httptest.NewRequest(http.MethodGet, "/console/"+file, nil))
		}
	}
	require.Len(t, s.logged(acts.Query{Kinds: []acts.Kind{acts.Export}}), 8)
	for _, number := range []string{"13800138000", "13800138001"} {
		r := httptest.NewRequest(http.MethodPost, "/console/find", strings.NewReader("find="+number))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Sec-Fetch-Site", "same-origin")
		update(r)
	}
	require.Len(t, s.logged(acts.Query{Kinds: []acts.Kind{acts.Find}}), 2)
}

// unflushed is a writer of a middleware, which keeps the answer until its end.
type unflushed struct{ http.ResponseWriter }

// A page whose stream can't be sent asks as often as one without a stream.
func TestAStreamThatCanNotBeSentIsTriedAgainAfterTheTimeOfAPageWithoutOne(t *testing.T) {
	t.Parallel()
	s := newFixture(t, carrierfsm.Config{})
	w := httptest.NewRecorder()
	http.StripPrefix("/console", s.console).ServeHTTP(unflushed{w}, httptest.NewRequest(http.MethodGet, "/console/changes", nil))
	require.Equal(t, "retry: 3000\n\nretry: 15000\n\n", w.Body.String())
}
