package main

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/cookiejar"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm/httpapi"
	"github.com/carrierfsm/carrierfsm/upstream/simulator"
)

// apiClient keeps cookies and sends the requests of the page's script.
type apiClient struct {
	t      *testing.T
	http   *http.Client
	url    string
	policy string
	person simulator.Person
	all    *[]string // all responses and cookies
}

func newAPIClient(t *testing.T, r *testService, carrier string) *apiClient {
	jar, err := cookiejar.New(nil)
	require.NoError(t, err)
	transport := http.DefaultTransport.(*http.Transport).Clone()
	t.Cleanup(transport.CloseIdleConnections)
	return &apiClient{
		t: t, url: r.url, policy: r.policy, person: personAt(t, carrier), all: new([]string),
		http: &http.Client{Jar: jar, Transport: transport},
	}
}

// apiResponse is a response of an endpoint.
type apiResponse struct {
	status int
	header http.Header
	body   string

	Problem *httpapi.Problem
	Screen  *httpapi.Screen
}

// code returns the problem's code; empty if there is none.
func (g apiResponse) code() string {
	if g.Problem == nil {
		return ""
	}
	return g.Problem.Code
}

// parse sets the problem, and the screen that a response has.
func (g *apiResponse) parse(t *testing.T) {
	v := new(httpapi.Verification)
	if strings.HasPrefix(g.header.Get("Content-Type"), "application/problem+json") {
		g.Problem = new(httpapi.Problem)
		require.NoError(t, json.Unmarshal([]byte(g.body), g.Problem))
		require.Equal(t, g.status, g.Problem.Status)
		v = g.Problem.Verification
	} else if strings.HasPrefix(g.body, "{") {
		require.NoError(t, json.Unmarshal([]byte(g.body), v))
	}
	if v != nil {
		g.Screen = v.Screen
	}
}

// send sends a request and reads the response; headers are pairs of name and value.
func (c *apiClient) send(method, path, body string, headers ...string) (g apiResponse) {
	c.t.Helper()
	r, err := http.NewRequest(method, c.url+path, strings.NewReader(body))
	require.NoError(c.t, err)
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	response, err := c.http.Do(r)
	require.NoError(c.t, err)
	text, err := io.ReadAll(response.Body)
	require.NoError(c.t, err)
	require.NoError(c.t, response.Body.Close())
	g.status, g.header, g.body = response.StatusCode, response.Header, string(text)
	g.parse(c.t)
	*c.all = append(*c.all, g.body, strings.Join(g.header.Values("Set-Cookie"), "\n"))
	return g
}

func (c *apiClient) get() apiResponse {
	return c.send(http.MethodGet, "/api/verifications/mine?lang=en", "")
}

// post submits an input with the fields.
func (c *apiClient) post(input string, fields map[string]any) apiResponse {
	c.t.Helper()
	text, err := json.Marshal(fields)
	require.NoError(c.t, err)
	return c.send(http.MethodPost, path(input)+"?lang=en", string(text))
}

// path returns the endpoint of an input.
func path(input string) string {
	if input == "apply" {
		return "/api/verifications"
	}
	return "/api/verifications/mine/" + input
}

type fields = map[string]any

func (c *apiClient) form() fields {
	return fields{
		"step": 0, "name": c.person.Name, "id_card": c.person.IDCard, "phone": c.person.Phone,
		"consent": c.policy, "sensitive_consent": c.policy,
	}
}

// apply submits the form, and returns the prompt for the password.
func (c *apiClient) apply() apiResponse {
	c.t.Helper()
	require.Equal(c.t, http.StatusOK, c.get().status)
	g := c.post("apply", c.form())
	require.Equal(c.t, http.StatusCreated, g.status, g.body)
	return g
}

// password submits the form and the password, and returns the next prompt.
func (c *apiClient) password() apiResponse {
	c.t.Helper()
	g := c.apply()
	g = c.post("password", fields{"step": g.Screen.Step, "password": c.person.Password})
	require.Equal(c.t, http.StatusOK, g.status, g.body)
	return g
}

// ticket returns the value of the ticket's cookie.
func (c *apiClient) ticket() string {
	r, err := http.NewRequest(http.MethodGet, c.url, nil)
	require.NoError(c.t, err)
	for _, cookie := range c.http.Jar.Cookies(r.URL) {
		if cookie.Name == ticketCookie {
			return cookie.Value
		}
	}
	return ""
}
