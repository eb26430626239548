package juxinli_test

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/upstream/juxinli"
)

// The canaries must be found only in requests. They contain characters that each
// encoding changes.
const (
	canarySecret = `cS"7f3a/91&x%`
	canaryAccess = `aT'ong+4c?%2=`
	canaryToken  = `tK<88>b1=e0;#`
	canaryPerson = `测试用户甲 13800138042`
)

// newEchoServer returns a server that repeats what it receives, in a part of the
// response that mode selects.
func newEchoServer(tb testing.TB, mode string) *httptest.Server {
	tb.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		query := r.URL.Query()
		received := strings.Join([]string{query.Get("client_secret"), query.Get("access_token"), query.Get("token"), r.URL.RawQuery}, " ")
		quoted, _ := json.Marshal(received)
		w.Header().Set("Content-Type", "application/json")
		if r.URL.Path == tokenPath && mode != "token refused" && mode != "token malformed" {
			_ = json.NewEncoder(w).Encode(map[string]any{"success": "true", "access_token": canaryAccess})
			return
		}
		switch mode {
		case "success":
			writeSuccess(w, r, string(quoted))
		case "code", "token refused":
			_, _ = fmt.Fprintf(w, `{"success":"false","code":%s,"note":%s}`, quoted, quoted)
		case "20007":
			_, _ = fmt.Fprintf(w, `{"success":"false","code":20007,"note":%s}`, quoted)
		case "malformed", "token malformed":
			_, _ = fmt.Fprintf(w, `{"success":%s`, quoted)
		case "redirect":
			http.Redirect(w, r, "http://127.0.0.1:1/?"+r.URL.RawQuery, http.StatusFound)
		case "content type":
			w.Header().Set("Content-Type", "text/"+r.URL.RawQuery)
		case "status":
			w.WriteHeader(http.StatusInternalServerError)
			_, _ = io.WriteString(w, received)
		case "no HTTP":
			conn, _, err := http.NewResponseController(w).Hijack()
			if err == nil {
				_, _ = io.WriteString(conn, "HTTP/1.1 "+received+"\r\n"+received+"\r\n\r\n")
				_ = conn.Close()
			}
		}
	}))
	tb.Cleanup(server.Close)
	return server
}

func writeSuccess(w io.Writer, r *http.Request, quoted string) {
	switch r.URL.Path {
	case jobPath:
		_, _ = fmt.Fprintf(w, `{"success":"true","data":{"status":%s}}`, quoted)
	case reportPath:
		_, _ = fmt.Fprintf(w, `{"success":"true","report_data":{"name":%q,"received":%s}}`, canaryPerson, quoted)
	case rawPath:
		_, _ = fmt.Fprintf(w, `{"success":"true","raw_data":{"members":{"error_code":31200,"name":%q,"received":%s}}}`, canaryPerson, quoted)
	}
}

// notes collects everything that a host could print by accident.
type notes struct {
	bytes.Buffer
	log *slog.Logger
}

func (n *notes) add(values ...any) {
	for _, v := range values {
		_, _ = fmt.Fprintf(n, "%v\n%+v\n%#v\n%s\n%q\n%x\n%d\n", v, v, v, v, v, v, v)
		if text, err := json.Marshal(v); err == nil {
			_, _ = n.Write(text)
		}
		n.log.Error("noted", "value", v)
		if err, is := v.(error); is {
			n.addCauses(err)
		}
	}
}

func (n *notes) addCauses(err error) {
	switch e := err.(type) { //nolint:errorlint // one link of the chain at a time
	case interface{ Unwrap() error }:
		n.add(e.Unwrap())
	case interface{ Unwrap() []error }:
		for _, cause := range e.Unwrap() {
			n.add(cause)
		}
	}
}

func TestDataCallsLeakNoSecrets(t *testing.T) {
	t.Parallel()
	for _, mode := range []string{
		"success", "code", "20007", "malformed", "token refused", "token malformed", "redirect", "content type", "status", "no HTTP", "connection refused",
	} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			n := new(notes)
			n.log = slog.New(slog.NewJSONHandler(&n.Buffer, nil))
			server := newEchoServer(t, mode)
			if mode == "connection refused" {
				server.Close()
			}
			cfg := juxinli.DataConfig{ClientSecret: carrierfsm.NewSecret(canarySecret), RetryPause: 1}
			d, err := newClient(t, server.URL).Data(cfg)
			require.NoError(t, err)
			token := carrierfsm.NewSecret(canaryToken)
			state, err1 := d.Job(t.Context(), token)
			report, err2 := d.Report(t.Context(), token)
			raw, err3 := d.RawData(t.Context(), token)
			for _, err := range []error{err1, err2, err3} {
				require.Equal(t, mode == "success", err == nil, "%v", err)
			}
			n.add(d, cfg, token, state, report, &report, raw, []juxinli.Document{raw}, struct{ d juxinli.Document }{report}, err1, err2, err3)
			if mode == "success" {
				require.Contains(t, string(report.JSON()), "测试用户甲")
				require.Contains(t, string(raw.JSON()), "测试用户甲")
				require.Equal(t, juxinli.JobUnclear, state)
			}
			for _, secret := range []string{canarySecret, canaryAccess, canaryToken, "测试用户甲", "13800138042"} {
				for _, form := range encodings(secret) {
					require.NotContains(t, n.String(), form)
				}
			}
		})
	}
}

// encodings returns a value in every encoding that could occur.
func encodings(s string) []string {
	quoted, _ := json.Marshal(s)
	inGo := fmt.Sprintf("%q", s)
	all := []string{
		s, url.QueryEscape(s), url.PathEscape(s), hex.EncodeToString([]byte(s)), strings.ToUpper(hex.EncodeToString([]byte(s))),
		string(quoted[1 : len(quoted)-1]), inGo[1 : len(inGo)-1], strings.Trim(fmt.Sprintf("%d", []byte(s)), "[]"),
	}
	for shift := range 3 {
		encoded := base64.RawStdEncoding.EncodeToString(append(make([]byte, shift), s...))
		all = append(all, encoded[shift+1:len(encoded)-2])
	}
	return all
}

func TestAProxyFunctionSeesNoQuery(t *testing.T) {
	t.Parallel()
	var asked atomic.Int32
	c := newClient(t, "https://no-such-host.invalid", func(cfg *juxinli.Config) {
		cfg.Proxy = func(r *http.Request) (*url.URL, error) {
			asked.Add(1)
			if r.URL.RawQuery != "" || r.URL.Path != tokenPath {
				t.Error(r.URL)
			}
			return nil, errors.New("no proxy for " + r.URL.String())
		}
	})
	d, err := c.Data(juxinli.DataConfig{ClientSecret: carrierfsm.NewSecret(canarySecret), Tries: 1})
	require.NoError(t, err)
	_, err = d.Job(t.Context(), carrierfsm.NewSecret(canaryToken))
	require.Error(t, err)
	require.EqualValues(t, 1, asked.Load())
}
