package sendonce_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/fsmtest"
	"github.com/carrierfsm/carrierfsm/upstream/sendonce"
)

// A vendor with one endpoint, and the smallest adapter for it: what a request is
// made of and what an answer means. call sends the request.
type adapter struct {
	call func(ctx context.Context, body []byte) ([]byte, error)
}

type answer struct {
	Token, Code string
}

func (a adapter) do(ctx context.Context, values map[string]string) (answer, error) {
	body, _ := json.Marshal(values)
	text, err := a.call(ctx, body)
	if err != nil {
		return answer{}, err
	}
	var out answer
	if json.Unmarshal(text, &out) != nil || out.Token == "" {
		return answer{}, errors.New("the response does not follow the API")
	}
	return out, nil
}

func (a adapter) Apply(ctx context.Context, in carrierfsm.Application) (carrierfsm.Receipt, error) {
	out, err := a.do(ctx, map[string]string{"phone": fsmtest.Reveal(in.Form.Phone)})
	return carrierfsm.Receipt{Accepted: out.Token != "", Token: carrierfsm.NewSecret(out.Token), Source: carrierfsm.Source{Website: "w"}}, err
}

func (a adapter) Collect(ctx context.Context, r carrierfsm.Request) (carrierfsm.Reply, error) {
	secrets := map[carrierfsm.InputKind]carrierfsm.Secret{
		carrierfsm.InputPassword: r.Password, carrierfsm.InputQueryPassword: r.QueryPassword, carrierfsm.InputCaptcha: r.Captcha,
		carrierfsm.InputResendCaptcha: {},
	}
	secret, known := secrets[r.Input]
	if !known {
		return carrierfsm.Reply{}, carrierfsm.ErrNotSent
	}
	out, err := a.do(ctx, map[string]string{"token": fsmtest.Reveal(r.Token), "secret": fsmtest.Reveal(secret)})
	return carrierfsm.Reply{Success: true, Code: carrierfsm.ProcessCode(out.Code)}, err
}

func open(call func(*fsmtest.Server) func(context.Context, []byte) ([]byte, error)) func(testing.TB) fsmtest.UpstreamSubject {
	return func(tb testing.TB) fsmtest.UpstreamSubject {
		tb.Helper()
		server := fsmtest.NewServer(tb, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			_, _ = io.WriteString(w, `{"Token":"00000000000000000000000000000001","Code":"10002"}`)
		}))
		a := adapter{call(server)}
		return fsmtest.UpstreamSubject{
			Upstream: a, Again: func() carrierfsm.Upstream { return a }, Application: carrierfsm.Application{Form: fsmtest.Form()},
			Request: func(kind carrierfsm.InputKind, secret string) (carrierfsm.Request, error) {
				s := carrierfsm.NewSecret(secret)
				return carrierfsm.Request{Input: kind, Token: carrierfsm.NewSecret(sent[2]), Website: "w", Account: carrierfsm.NewSecret(sent[1]), Password: s, QueryPassword: s, Captcha: s}, nil
			},
			Break: server.Break, Arrivals: server.Arrivals,
		}
	}
}

func TestAnAdapterThatSendsOnceKeepsTheContract(t *testing.T) {
	t.Parallel()
	fsmtest.TestUpstream(t, open(func(server *fsmtest.Server) func(context.Context, []byte) ([]byte, error) {
		c, err := sendonce.New(sendonce.Config{BaseURL: server.URL})
		require.NoError(t, err)
		return func(ctx context.Context, body []byte) ([]byte, error) {
			response, err := c.Do(ctx, sendonce.Request{Method: http.MethodPost, Path: "/", Template: "/", Body: body})
			return response.Body, err
		}
	}))
}

// The same adapter with a http.Client: it follows redirects, does not say what was not
// sent, and quotes the response.
func TestAnAdapterOfNetHTTPFailsTheContract(t *testing.T) {
	t.Parallel()
	client := &http.Client{Transport: http.DefaultTransport.(*http.Transport).Clone()}
	t.Cleanup(client.CloseIdleConnections)
	err := fsmtest.CheckUpstream(t, open(func(server *fsmtest.Server) func(context.Context, []byte) ([]byte, error) {
		return func(ctx context.Context, body []byte) ([]byte, error) {
			r, err := http.NewRequestWithContext(ctx, http.MethodPost, server.URL, bytes.NewReader(body))
			if err != nil {
				return nil, err
			}
			response, err := client.Do(r)
			if err != nil {
				return nil, err
			}
			defer func() { _ = response.Body.Close() }()
			if response.StatusCode != http.StatusOK {
				return nil, fmt.Errorf("status %d", response.StatusCode)
			}
			return io.ReadAll(io.LimitReader(response.Body, 1<<20))
		}
	}))
	require.Len(t, strings.Split(err.Error(), "\n"), 8, "as docs/adapters.md says: %v", err)
	for _, rule := range []string{"NotSent", "ApplyNotSent", "CanceledContext", "PastDeadline", "Unknown/the_server_redirects", "Unknown/the_reply_is_not_HTTP_and_repeats_the_request"} {
		require.Contains(t, "\n"+err.Error(), "\n"+rule+": ")
	}
}
