package fsmtest

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"
)

// Server is an HTTP server for the contract test of an adapter. It serves a fake
// vendor, which is the handler of the test, counts the secrets that arrive, and
// breaks what it is told to break. Break and Arrivals are those of an
// UpstreamSubject. It is safe for concurrent use.
type Server struct {
	// URL is the server's address: "http://127.0.0.1:41234".
	URL string

	handler   http.Handler
	elsewhere string // the address of a second server of the handler
	close     func()
	closed    chan struct{}

	mu       sync.Mutex
	breaks   []Breakage
	requests []string
}

// NewServer starts a server, and closes it at the end of the test.
func NewServer(tb testing.TB, handler http.Handler) *Server {
	tb.Helper()
	s := &Server{handler: handler, closed: make(chan struct{})}
	here, elsewhere := httptest.NewServer(s), httptest.NewServer(s)
	s.URL, s.elsewhere = here.URL, elsewhere.URL
	s.close = sync.OnceFunc(func() {
		close(s.closed)
		here.Close()
		elsewhere.Close()
	})
	tb.Cleanup(s.close)
	return s
}

// Break breaks the next request that is no GET: an adapter may read the state of the
// vendor at any time. Several breakages are for as many requests. BreakConnection
// closes the server.
func (s *Server) Break(b Breakage) {
	if b == BreakConnection {
		s.close()
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.breaks = append(s.breaks, b)
}

// Arrivals returns how many requests with this value in the URL, a header or the body
// have arrived, at this server or where it redirects to. A value inside a longer word
// or number does not count.
func (s *Server) Arrivals(value string) (n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range s.requests {
		if hasWord(r, value) {
			n++
		}
	}
	return n
}

// hasWord reports whether a text contains a value with no letter and no digit next to
// it.
func hasWord(text, value string) bool {
	isPart := func(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }
	for value != "" {
		before, after, found := strings.Cut(text, value)
		if !found {
			return false
		}
		last, _ := utf8.DecodeLastRuneInString(before)
		next, _ := utf8.DecodeRuneInString(after)
		if !isPart(last) && !isPart(next) {
			return true
		}
		text = value[len(value)-1:] + after
	}
	return false
}

// ServeHTTP implements http.Handler, for a test that needs a server of its own, with
// TLS for instance.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // the client has left
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	request := describe(r, body)
	s.mu.Lock()
	s.requests = append(s.requests, request)
	var b Breakage
	if r.Method != http.MethodGet && len(s.breaks) > 0 {
		b, s.breaks = s.breaks[0], s.breaks[1:]
	}
	s.mu.Unlock()
	if b == BreakIgnored {
		hangUp(w, "")
		return
	}
	answer := httptest.NewRecorder()
	s.handler.ServeHTTP(answer, r)
	s.respond(w, r, b, answer, request)
}

// describe returns everything in a request that an adapter chose.
func describe(r *http.Request, body []byte) string {
	address, err := url.QueryUnescape(r.URL.RequestURI())
	if err != nil {
		address = r.URL.RequestURI()
	}
	return fmt.Sprint(address, "\n", r.Header, "\n", string(body))
}

// respond sends the vendor's answer, broken by b.
func (s *Server) respond(w http.ResponseWriter, r *http.Request, b Breakage, answer *httptest.ResponseRecorder, request string) {
	text := answer.Body.String()
	half := text[:len(text)/2]
	for name, values := range answer.Header() {
		w.Header()[name] = values
	}
	w.Header().Del("Content-Length") // of the whole answer
	switch b {
	case BreakReply:
		hangUp(w, "")
	case BreakEcho:
		hangUp(w, strings.Join(strings.Fields(request), "_")+"\r\n\r\n") // net/http quotes such a line
	case BreakMidway:
		hangUp(w, fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", len(text)+1, half))
	case BreakHalf:
		_, _ = io.WriteString(w, half)
	case BreakGarbage:
		_, _ = io.WriteString(w, "}{")
	case BreakHTML:
		w.Header().Set("Content-Type", "text/html")
		_, _ = io.WriteString(w, "<title>502</title>"+request)
	case BreakStatus:
		w.WriteHeader(http.StatusServiceUnavailable)
		_, _ = io.WriteString(w, text)
	case BreakRedirect:
		w.Header().Set("Location", s.elsewhere+r.URL.RequestURI())
		w.WriteHeader(http.StatusTemporaryRedirect)
	case BreakSize:
		writeEndless(w)
	case BreakSlow:
		slow := time.NewTimer(slowReply)
		defer slow.Stop()
		select {
		case <-slow.C:
			_, _ = io.WriteString(w, text)
		case <-s.closed:
		case <-r.Context().Done():
		}
	default:
		w.WriteHeader(answer.Code)
		_, _ = io.WriteString(w, text)
	}
}

// hangUp sends a text instead of a response and closes the connection; without a text
// it resets it.
func hangUp(w http.ResponseWriter, text string) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	_, _ = io.WriteString(conn, text)
	if tcp, ok := conn.(*net.TCPConn); ok && text == "" {
		_ = tcp.SetLinger(0)
	}
	_ = conn.Close()
}

// slowReply is how slow the reply of a BreakSlow is: longer than a test of an adapter
// that watches its context.
const slowReply = 5 * time.Second

// endless is more than any adapter may read, in bytes.
const endless = 1 << 26

// writeEndless writes JSON until the client has left.
func writeEndless(w io.Writer) {
	chunk := bytes.Repeat([]byte("x"), 1<<16)
	_, err := io.WriteString(w, `{"text":"`)
	for n := 0; n < endless && err == nil; n += len(chunk) {
		_, err = w.Write(chunk)
	}
	_, _ = io.WriteString(w, `"}`)
}
