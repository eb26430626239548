package juxinli_test

import (
	"math"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm/upstream/juxinli"
)

func TestNewRefusesWhatIsNotSafe(t *testing.T) {
	t.Parallel()
	for rule, cfg := range map[string]juxinli.Config{
		"no org":                {},
		"HTTP to elsewhere":     {Org: "DEMO", BaseURL: "http://www.juxinli.com"},
		"another scheme":        {Org: "DEMO", BaseURL: "ftp://127.0.0.1"},
		"no URL":                {Org: "DEMO", BaseURL: "://"},
		"no host":               {Org: "DEMO", BaseURL: "https://"},
		"a negative timeout":    {Org: "DEMO", Timeout: -1},
		"a negative body bound": {Org: "DEMO", MaxBody: -1},
		"an immense body bound": {Org: "DEMO", MaxBody: math.MaxInt64},
		"a user in the URL":     {Org: "DEMO", BaseURL: "https://user:pass@example.com"},
		"a query in the URL":    {Org: "DEMO", BaseURL: "https://example.com?a=b"},
		"a fragment in the URL": {Org: "DEMO", BaseURL: "https://example.com#a"},
		"a proxy without TLS":   {Org: "DEMO", BaseURL: "http://127.0.0.1:1", Proxy: http.ProxyFromEnvironment},
	} {
		_, err := juxinli.New(cfg)
		require.Error(t, err, rule)
		require.NotContains(t, err.Error(), "pass", rule)
	}
	for _, url := range []string{"", "https://example.com", "http://127.0.0.1:1", "http://localhost:1", "http://[::1]:1"} {
		_, err := juxinli.New(juxinli.Config{Org: "DEMO", BaseURL: url})
		require.NoError(t, err, url)
	}
}
