package simulator

import (
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// respond sends a response, broken by a fault.
func (s *Server) respond(w http.ResponseWriter, r *http.Request, a *recorder, f Fault) {
	switch f.kind {
	case dropBeforeReading, dropAfterReading:
		resetConnection(w)
	case slowHeader:
		if !s.pause(r, f.wait) {
			resetConnection(w)
			return
		}
		a.copyTo(w)
	case slowBody:
		half := a.copyHalf(w)
		if !s.pause(r, f.wait) {
			resetConnection(w)
			return
		}
		_, _ = w.Write(a.body[half:])
	case resetMidway:
		a.copyHalf(w)
		resetConnection(w)
	case redirect:
		http.Redirect(w, r, f.to, http.StatusTemporaryRedirect)
	default:
		f.replace(a)
		a.copyTo(w)
	}
}

// replace changes a response before it is sent.
func (f Fault) replace(a *recorder) {
	var in Answer
	switch f.kind {
	case truncated:
		a.body = a.body[:len(a.body)/2]
		return
	case garbage:
		in = Answer{Raw: "}{ this is not JSON"}
	case serverError:
		in = Answer{Status: http.StatusServiceUnavailable}
	case oversized:
		in = Data(object{"content": strings.Repeat("x", 5<<20)})
	case html:
		in = Answer{ContentType: "text/html;charset=utf-8", Raw: "<!doctype html><title>502 Bad Gateway</title>"}
	case unseenCode:
		in = Code(NeverSeen)
	default:
		return
	}
	*a = recorder{header: make(http.Header)}
	in.send(a)
}

// copyHalf sends the header, with the length of the whole body, and half of the
// body.
func (r *recorder) copyHalf(w http.ResponseWriter) (half int) {
	half = len(r.body) / 2
	w.Header().Set("Content-Length", strconv.Itoa(len(r.body)))
	(&recorder{header: r.header, status: r.status, body: r.body[:half]}).copyTo(w)
	_ = http.NewResponseController(w).Flush()
	return half
}

// pause waits. It returns false if the request ended or the server was closed
// first.
func (s *Server) pause(r *http.Request, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-r.Context().Done():
	case <-s.closed:
	}
	return false
}

// resetConnection resets the connection without a response.
func resetConnection(w http.ResponseWriter) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler) // not HTTP/1: the server aborts the stream
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = conn.Close()
}
