package juxinli_test

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/upstream/juxinli"
)

func TestWhatIsNoReplyIsUnknown(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		rule, kind, body string
		want             error
	}{
		{"HTML", "text/html", "<title>502</title>", juxinli.ErrNotJSON},
		{"no content type", "", `{"success":true}`, juxinli.ErrNotJSON},
		{"a content type that is none", "application/json; charset", `{"success":true}`, juxinli.ErrNotJSON},
		{"nothing", "application/json", "", juxinli.ErrMalformed},
		{"half of it", "application/json", `{"success":true,"data":{"process`, juxinli.ErrMalformed},
		{"two of them", "application/json", `{"success":true}{"success":true}`, juxinli.ErrMalformed},
		{"an array", "application/json", `[]`, juxinli.ErrMalformed},
		{"null", "application/json", `null`, juxinli.ErrMalformed},
		{"no success", "application/json", `{"data":{"process_code":10008}}`, juxinli.ErrMalformed},
		{"success of another kind", "application/json", `{"success":1,"data":{"process_code":10008}}`, juxinli.ErrMalformed},
		{"a success that is taken back", "application/json", `{"success":true,"success":"perhaps"}`, juxinli.ErrMalformed},
		{"data of another kind", "application/json", `{"success":true,"data":[10008]}`, juxinli.ErrMalformed},
		{"a next source of another kind", "application/json", `{"success":true,"data":{"process_code":10008,"next_datasource":["w"]}}`, juxinli.ErrMalformed},
		{"a next source without a website", "application/json", `{"success":true,"data":{"process_code":10008,"finish":false,"next_datasource":{"name":"n"}}}`, juxinli.ErrMalformed},
		{"broken UTF-8", "application/json", "{\"success\":true,\"message\":\"\xff\"}", juxinli.ErrMalformed},
		{"too much", "application/json", `{"success":true,"message":"` + strings.Repeat("x", 2<<20) + `"}`, juxinli.ErrTooLarge},
	} {
		t.Run(c.rule, func(t *testing.T) {
			t.Parallel()
			_, err := client(t, saying(t, c.kind, c.body).URL).Collect(t.Context(), request("246810"))
			require.ErrorIs(t, err, c.want)
			require.NotErrorIs(t, err, carrierfsm.ErrNotSent)
		})
	}
}

func TestTheBodyBoundIsExact(t *testing.T) {
	t.Parallel()
	const body = `{"success":false}`
	url := saying(t, "text/json", body).URL
	for bound, want := range map[int64]error{int64(len(body)): nil, int64(len(body)) - 1: juxinli.ErrTooLarge} {
		_, err := client(t, url, func(cfg *juxinli.Config) { cfg.MaxBody = bound }).Collect(t.Context(), request("246810"))
		require.ErrorIs(t, err, want)
	}
}

func TestAnEndlessHeaderIsUnknown(t *testing.T) {
	t.Parallel()
	address := answering(t, "HTTP/1.1 200 OK\r\nX: "+strings.Repeat("x", 1<<20)+"\r\n\r\n")
	_, err := client(t, "http://"+address).Collect(t.Context(), request("246810"))
	require.ErrorIs(t, err, juxinli.ErrBroken)
	require.NotErrorIs(t, err, carrierfsm.ErrNotSent)
}

func TestAStatusThatIsNoSuccessIsUnknown(t *testing.T) {
	t.Parallel()
	for _, status := range []int{304, 400, 401, 404, 429, 500, 502, 503} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(status)
			_, _ = io.WriteString(w, `{"success":true,"data":{"process_code":10008}}`)
		}))
		t.Cleanup(server.Close)
		_, err := client(t, server.URL).Collect(t.Context(), request("246810"))
		requireStatus(t, err, status)
	}
}

func TestARedirectIsNotFollowed(t *testing.T) {
	t.Parallel()
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("it was followed") }))
	t.Cleanup(elsewhere.Close)
	for _, status := range []int{301, 302, 303, 307, 308} {
		var arrived atomic.Int32
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			arrived.Add(1)
			http.Redirect(w, r, elsewhere.URL+r.URL.Path, status)
		}))
		t.Cleanup(server.Close)
		_, err := client(t, server.URL).Collect(t.Context(), request("246810"))
		requireStatus(t, err, status)
		_, err = client(t, server.URL).Datasources(t.Context())
		requireStatus(t, err, status)
		require.EqualValues(t, 2, arrived.Load())
	}
}

func TestACompressedAnswerWasNotAskedForAndIsUnknown(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Accept-Encoding") != "" {
			t.Error("it was asked for")
		}
		var packed bytes.Buffer
		z := gzip.NewWriter(&packed)
		_, _ = io.WriteString(z, `{"success":true}`)
		_ = z.Close()
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Content-Encoding", "gzip")
		_, _ = w.Write(packed.Bytes())
	}))
	t.Cleanup(server.Close)
	_, err := client(t, server.URL).Collect(t.Context(), request("246810"))
	require.ErrorIs(t, err, juxinli.ErrMalformed)
}

// What upstream answers may repeat what it was sent, and net/http quotes what
// it can't read.
func TestNoErrorRepeatsTheAnswer(t *testing.T) {
	t.Parallel()
	const ok = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
	for rule, answer := range map[string]string{
		"no HTTP":             "246810\r\n\r\n",
		"a status line":       "HTTP/1.1 246810 246810\r\n\r\n",
		"a status":            "HTTP/1.1 500 246810\r\nX: 246810\r\n\r\n246810",
		"a header":            "HTTP/1.1 200 OK\r\n246810\r\n\r\n",
		"a length":            ok + "Content-Length: 246810x\r\n\r\n",
		"a transfer encoding": ok + "Transfer-Encoding: 246810\r\n\r\n",
		"a trailer":           ok + "Transfer-Encoding: chunked\r\n\r\n0\r\n246810\r\n\r\n",
		"a chunk":             ok + "Transfer-Encoding: chunked\r\n\r\n246810g\r\n\r\n",
		"a content type":      "HTTP/1.1 200 OK\r\nContent-Type: 246810/246810/246810\r\n\r\n",
		"a body that is none": ok + "Content-Length: 9\r\n\r\n{\"246810\"",
		"half a body":         ok + "Content-Length: 99\r\n\r\n{\"246810\"",
		"a redirect":          "HTTP/1.1 307 Go\r\nLocation: http://246810/\r\n\r\n",
	} {
		_, err := client(t, "http://"+answering(t, answer)).Collect(t.Context(), request("246810"))
		require.Error(t, err, rule)
		require.NotErrorIs(t, err, carrierfsm.ErrNotSent, rule)
		requireDiscreet(t, err)
	}
}

// answering is a server that reads one request a connection and answers it thus.
func answering(t *testing.T, answer string) string {
	t.Helper()
	return raw(t, func(c net.Conn) {
		r, err := http.ReadRequest(bufio.NewReader(c))
		if err != nil {
			return
		}
		_, _ = io.Copy(io.Discard, r.Body)
		_, _ = io.WriteString(c, answer)
	})
}

// requireDiscreet looks for what request("246810") sends, in every text of
// every error that err wraps.
func requireDiscreet(t *testing.T, err error) {
	t.Helper()
	for _, text := range []string{err.Error(), fmt.Sprintf("%+v", err), fmt.Sprintf("%#v", err)} {
		for _, value := range []string{"246810", "13800138000", "00000000000000000000000000000001"} {
			require.NotContains(t, text, value)
		}
	}
	switch e := err.(type) { //nolint:errorlint // each link of the chain is looked at
	case interface{ Unwrap() error }:
		if next := e.Unwrap(); next != nil {
			requireDiscreet(t, next)
		}
	case interface{ Unwrap() []error }:
		for _, next := range e.Unwrap() {
			requireDiscreet(t, next)
		}
	}
}

func requireStatus(t *testing.T, err error, status int) {
	t.Helper()
	var s *juxinli.StatusError
	require.ErrorAs(t, err, &s)
	require.Equal(t, status, s.Status)
	require.NotErrorIs(t, err, carrierfsm.ErrNotSent)
}
