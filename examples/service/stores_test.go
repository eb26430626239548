package main

import (
	"net/url"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
)

// postgresURL is a fresh database, as -store wants it.
func postgresURL(t *testing.T) string {
	config, err := pgx.ParseConfig(server.Cluster(t).NewEmptyDatabase(t, ""))
	require.NoError(t, err)
	return "postgres:///" + config.Database + "?" + url.Values{
		"host": {config.Host}, "user": {config.User}, "sslmode": {"disable"},
	}.Encode()
}

func TestEachStoreServes(t *testing.T) {
	for name, store := range map[string]func(options) options{
		"memory":   func(o options) options { return o },
		"sqlite":   func(o options) options { return o.onFile(t) },
		"postgres": func(o options) options { o.store = postgresURL(t); return o },
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv(keyVariable, "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=")
			w := newWorld(t)
			c := newCaller(t, start(t, store(quick(w))), "plain")
			g := c.password()
			g = c.post("captcha", fields{"step": g.Screen.Step, "code": w.code(t, c.self)})
			require.Equal(t, "done", g.Screen.Tone, g.body)
		})
	}
}

// The password comes to one replica and the code to another: the browser
// carries it there. Whoever waits at the other one is told, too.
func TestAnotherReplicaTakesTheCode(t *testing.T) {
	t.Setenv(keyVariable, "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=")
	w := newWorld(t)
	o := quick(w)
	o.store = postgresURL(t)
	one, two := start(t, o), start(t, o)
	c := newCaller(t, one, "plain")
	g := c.password()
	waits := *c
	waits.all = new([]string)
	changed := make(chan got, 1)
	go func() { changed <- waits.send("GET", "/api/verification?lang=en&seen="+g.Screen.Mark, "") }()
	c.url = two.url // cookies don't know ports
	g = c.post("captcha", fields{"step": g.Screen.Step, "code": w.code(t, c.self)})
	require.Equal(t, "done", g.Screen.Tone, g.body)
	after := <-changed
	for after.Screen.Tone == "wait" { // the call at the other replica was seen, too
		after = waits.send("GET", "/api/verification?lang=en&seen="+after.Screen.Mark, "")
	}
	require.Equal(t, "done", after.Screen.Tone)
	require.Equal(t, 1, w.LoginAttempts(c.self.Phone))
}
