package console

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/store/figures"
)

// An open page listens to one stream of server-sent events, and updates itself after each
// event "changed". An event has no data of a verification: what is new the page requests.

// The times of a stream.
const (
	changesPoll = 2 * time.Second  // how often the store is asked for what other processes committed
	changesGap  = time.Second      // the least between two events
	changesTick = 15 * time.Second // after which an event is sent in any case: "5 min ago" on a page is too old
	changesLife = 5 * time.Minute  // after which the browser connects again, and is authorized again
	changesSend = 20 * time.Second // how long a send may take until the next one; more than changesTick
)

// maxStreams bounds the open streams of a Console. A page without one asks by time.
const maxStreams = 200

// streams are the open streams of a Console.
type streams struct {
	mu       sync.Mutex
	open     int
	shutdown map[*http.Server]chan struct{} // closed when the server shuts down
}

// enter begins a stream, unless there are too many. leave ends it.
func (s *streams) enter() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.open >= maxStreams {
		return false
	}
	s.open++
	return true
}

func (s *streams) leave() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.open--
}

// stopped returns a channel that is closed when the server of a request shuts down:
// http.Server.Shutdown waits for requests, and does not end their contexts. It is nil
// where the server is not net/http's.
func (s *streams) stopped(ctx context.Context) <-chan struct{} {
	server, ok := ctx.Value(http.ServerContextKey).(*http.Server)
	if !ok {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.shutdown == nil {
		s.shutdown = make(map[*http.Server]chan struct{})
	}
	c := s.shutdown[server]
	if c == nil {
		c = make(chan struct{})
		s.shutdown[server] = c
		server.RegisterOnShutdown(sync.OnceFunc(func() { close(c) }))
	}
	return c
}

// changes serves the stream of a page: that of one verification, or of any other.
func (c *Console) changes(q *request) error {
	if site := q.Header.Get("Sec-Fetch-Site"); site != "" && site != "same-origin" {
		return errCrossOrigin // another site's page could use up the streams
	}
	if !c.streams.enter() {
		return errManyStreams
	}
	defer c.streams.leave()
	ctx, cancel := context.WithTimeout(q.Context(), changesLife)
	defer cancel()
	committed, unsubscribe := c.cfg.Machine.Subscribe()
	defer unsubscribe()
	s := stream{console: c, q: q, id: q.URL.Query().Get("id"), stopped: c.streams.stopped(ctx), committed: committed}
	var err error
	if s.mark, err = s.read(ctx); err != nil {
		return err
	}
	if s.start() {
		s.run(ctx)
	}
	return nil
}

// changesOf returns the link to the stream of a page.
func changesOf(q *request) string {
	if q.page != "verification" {
		return "changes"
	}
	return "changes?" + url.Values{"id": {q.URL.Query().Get("id")}}.Encode()
}

// stream is one open stream.
type stream struct {
	console   *Console
	q         *request
	id        string // of the verification of the page; empty on other pages
	mark      string // of the state of the store that the page was told of
	stopped   <-chan struct{}
	committed <-chan struct{}
	sent      time.Time
}

// start sends the header, and reports whether events can follow.
func (s *stream) start() bool {
	h := s.q.w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("X-Accel-Buffering", "no") // for proxies that would wait for more
	s.q.w.WriteHeader(http.StatusOK)
	if s.q.Method == http.MethodHead {
		return false
	}
	err := s.send("retry: 3000\n\n")
	if errors.Is(err, http.ErrNotSupported) { // of the writer of a host: the browser gets all at the end
		_, _ = io.WriteString(s.q.w, "retry: 15000\n\n") // as often as a page without a stream asks
	}
	return err == nil
}

// run sends events until the stream, the server or the machine ends.
func (s *stream) run(ctx context.Context) {
	poll := time.NewTicker(changesPoll)
	defer poll.Stop()
	for {
		woken := false
		select {
		case <-ctx.Done():
			return
		case <-s.stopped:
			return
		case <-s.committed:
			woken = true
		case <-poll.C:
		}
		mark, err := s.read(ctx)
		if errors.Is(err, carrierfsm.ErrClosed) {
			return
		}
		changed := err == nil && mark != s.mark || woken && s.id == ""
		if err == nil {
			s.mark = mark
		}
		if changed = changed || time.Since(s.sent) >= changesTick; changed && s.send("event: changed\ndata:\n\n") != nil {
			return
		}
		if (changed || woken) && !s.wait(ctx) {
			return
		}
	}
}

// wait waits until the next read and event: what happens meanwhile is one event.
func (s *stream) wait(ctx context.Context) bool {
	gap := time.NewTimer(changesGap)
	defer gap.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-s.stopped:
		return false
	case <-gap.C:
		return true
	}
}

// send sends an event. The server's WriteTimeout is for pages.
func (s *stream) send(event string) error {
	to := http.NewResponseController(s.q.w)
	if err := to.SetWriteDeadline(time.Now().Add(changesSend)); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return err
	}
	if _, err := io.WriteString(s.q.w, event); err != nil {
		return err
	}
	s.sent = time.Now()
	return to.Flush()
}

// read returns the mark of what the page shows.
func (s *stream) read(ctx context.Context) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	if s.id == "" {
		return s.console.marks.get(ctx, "", time.Now(), changesPoll/2, s.console.readMark)
	}
	v, err := s.console.read(ctx, s.id)
	return fmt.Sprint(v.Step, v.State, v.Updated, v.InFlight, v.Canceling, v.Unreadable), err
}

// readMark returns a mark that is another one after most changes, of whichever process:
// the newest verification, the latest counts, and where the handlers are. All streams
// share it. What it misses, pages find at the next tick.
func (c *Console) readMark(ctx context.Context) (string, error) {
	newest, err := c.cfg.Machine.List(ctx, carrierfsm.Query{Limit: 1})
	if err != nil && partial(err) == nil {
		return "", err
	}
	sum := sha256.New()
	for _, v := range newest {
		_, _ = fmt.Fprintln(sum, v.ID, v.Step, v.State, v.Updated) // never fails
	}
	if c.cfg.Figures != nil {
		minute := figures.StartOf(c.cfg.Now(), figures.Minute)
		rows, err := c.cfg.Figures.Read(ctx, figures.Minute, minute.Add(-figures.Minute), minute.Add(2*figures.Minute))
		_, _ = fmt.Fprintln(sum, rows, err)
	}
	handlers, err := c.cursors(ctx)
	for _, h := range handlers {
		_, _ = fmt.Fprintln(sum, h.Name, h.Owner, h.Parked, h.Behind.IsZero())
	}
	_, _ = fmt.Fprintln(sum, err != nil)
	return string(sum.Sum(nil)), nil
}
