package juxinli_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/upstream/juxinli"
	"github.com/carrierfsm/carrierfsm/upstream/sendonce"
)

func TestAnInvalidResponseIsUnknown(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		rule, kind, body string
		want             error
	}{
		{"an empty body", "application/json", "", juxinli.ErrMalformed},
		{"truncated JSON", "application/json", `{"success":true,"data":{"process`, juxinli.ErrMalformed},
		{"two JSON values", "application/json", `{"success":true}{"success":true}`, juxinli.ErrMalformed},
		{"an array", "application/json", `[]`, juxinli.ErrMalformed},
		{"null", "application/json", `null`, juxinli.ErrMalformed},
		{"no success", "application/json", `{"data":{"process_code":10008}}`, juxinli.ErrMalformed},
		{"success of another type", "application/json", `{"success":1,"data":{"process_code":10008}}`, juxinli.ErrMalformed},
		{"a repeated success that is invalid", "application/json", `{"success":true,"success":"perhaps"}`, juxinli.ErrMalformed},
		{"data of another type", "application/json", `{"success":true,"data":[10008]}`, juxinli.ErrMalformed},
		{"a next source of another type", "application/json", `{"success":true,"data":{"process_code":10008,"next_datasource":["w"]}}`, juxinli.ErrMalformed},
		{"a next source without a website", "application/json", `{"success":true,"data":{"process_code":10008,"finish":false,"next_datasource":{"name":"n"}}}`, juxinli.ErrMalformed},
		{"broken UTF-8", "application/json", "{\"success\":true,\"message\":\"\xff\"}", juxinli.ErrMalformed},
	} {
		t.Run(c.rule, func(t *testing.T) {
			t.Parallel()
			_, err := newClient(t, newServer(t, c.kind, c.body).URL).Collect(t.Context(), request("246810"))
			require.ErrorIs(t, err, c.want)
			require.NotErrorIs(t, err, carrierfsm.ErrNotSent)
		})
	}
}

func TestTheOrgIsEscapedInThePath(t *testing.T) {
	t.Parallel()
	paths := make(chan string, 2)
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { paths <- r.URL.EscapedPath() }))
	t.Cleanup(server.Close)
	c := newClient(t, server.URL, func(cfg *juxinli.Config) { cfg.Org = "a/b?c 机构" })
	_, err := c.Datasources(t.Context())
	require.ErrorIs(t, err, sendonce.ErrNotJSON)
	require.Equal(t, "/orgApi/rest/v2/orgs/a%2Fb%3Fc%20%E6%9C%BA%E6%9E%84/datasources", <-paths)
	_, err = c.Apply(t.Context(), carrierfsm.Application{})
	require.ErrorIs(t, err, sendonce.ErrNotJSON)
	require.Equal(t, "/orgApi/rest/v2/applications/a%2Fb%3Fc%20%E6%9C%BA%E6%9E%84", <-paths)
}

func TestNoErrorRepeatsAMalformedResponse(t *testing.T) {
	t.Parallel()
	for _, body := range []string{`{"246810"`, `{"success":"246810"}`, `{"success":true,"data":"246810"}`} {
		_, err := newClient(t, newServer(t, "application/json", body).URL).Collect(t.Context(), request("246810"))
		require.ErrorIs(t, err, juxinli.ErrMalformed)
		requireRedacted(t, err)
	}
}
