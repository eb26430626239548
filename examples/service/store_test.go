package main

import (
	"log/slog"
	"net/url"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm/store/sharded"
)

// postgresURL returns a new database in the form of the flag -store.
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
		"sqlite":   func(o options) options { return o.onSQLite(t) },
		"postgres": func(o options) options { o.store = postgresURL(t); return o },
		"shards": func(o options) options {
			o.store, o.createShards = "sharded:east="+postgresURL(t)+" west="+postgresURL(t), true
			return o
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv(keyVariable, "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=")
			w := newAggregator(t)
			c := newAPIClient(t, start(t, store(testOptions(w))), "plain")
			g := c.password()
			g = c.post("captcha", fields{"step": g.Screen.Step, "code": w.code(t, c.person)})
			require.Equal(t, "done", g.Screen.Tone, g.body)
		})
	}
}

func TestAnEmptyDatabaseIsNotTakenForAShard(t *testing.T) {
	spec := "sharded:east=" + postgresURL(t) + " west=" + postgresURL(t)
	_, _, err := openStore(t.Context(), spec, false, slog.New(slog.DiscardHandler))
	require.ErrorIs(t, err, errUsage)
	require.ErrorIs(t, err, sharded.ErrMap)
	for _, create := range []bool{true, false} {
		_, closeStore, err := openStore(t.Context(), spec, create, slog.New(slog.DiscardHandler))
		require.NoError(t, err)
		closeStore()
	}
	east, _, _ := strings.Cut(strings.TrimPrefix(spec, "sharded:east="), " ")
	_, _, err = openStore(t.Context(), east, false, slog.New(slog.DiscardHandler))
	require.ErrorIs(t, err, errUsage)
	require.ErrorContains(t, err, "it is the shard east; name all")
}

// One replica receives the password and another the code: the browser carries the
// sealed password. A request that waits at the first replica returns, too.
func TestAnotherReplicaAcceptsTheCode(t *testing.T) {
	t.Setenv(keyVariable, "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=")
	w := newAggregator(t)
	o := testOptions(w)
	o.store = postgresURL(t)
	one, two := start(t, o), start(t, o)
	c := newAPIClient(t, one, "plain")
	g := c.password()
	waits := *c
	waits.all = new([]string)
	changed := make(chan apiResponse, 1)
	go func() { changed <- waits.send("GET", "/api/verifications/mine?lang=en&seen="+g.Screen.Tag, "") }()
	c.url = two.url // cookies don't depend on the port
	g = c.post("captcha", fields{"step": g.Screen.Step, "code": w.code(t, c.person)})
	require.Equal(t, "done", g.Screen.Tone, g.body)
	after := <-changed
	for after.Screen.Tone == "wait" { // the call in flight at the other replica
		after = waits.send("GET", "/api/verifications/mine?lang=en&seen="+after.Screen.Tag, "")
	}
	require.Equal(t, "done", after.Screen.Tone)
	require.Equal(t, 1, w.LoginAttempts(c.person.Phone))
}
