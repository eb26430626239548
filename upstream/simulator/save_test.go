package simulator_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm/upstream/simulator"
)

func (f *fixture) saved() string {
	f.t.Helper()
	var out bytes.Buffer
	require.NoError(f.t, f.Save(&out))
	return out.String()
}

// restored continues the run on another server, which restored the state.
func (r *run) restored() *run {
	r.t.Helper()
	f := newFixture(r.t)
	f.advance(r.clock().Sub(f.clock()))
	require.NoError(r.t, f.Restore(strings.NewReader(r.saved())))
	return &run{f, r.dialect, r.person, r.token, r.website}
}

func TestEveryFlowContinuesAfterARestore(t *testing.T) {
	t.Parallel()
	for key, acts := range flows {
		t.Run(key, func(t *testing.T) {
			t.Parallel()
			r := newFixture(t).apply(key)
			for _, a := range acts {
				r = r.restored()
				require.Equal(t, a.want, a.do(r))
			}
		})
	}
}

func TestTimesAndCountersAreSaved(t *testing.T) {
	t.Parallel()
	r := newFixture(t).apply("plain")
	r.login("wrong")
	password(r)
	r.advance(5*time.Minute + 1)
	moved := r.restored()
	require.Equal(t, r.Inbox(r.person.Phone), moved.Inbox(r.person.Phone))
	require.Equal(t, 2, moved.LoginAttempts(r.person.Phone))
	require.NotEqual(t, r.token, moved.apply("plain").token, "the count of tokens is restored")
	require.Equal(t, "10006 SUBMIT_CAPTCHA", code(moved), "the code has expired")
	moved.login("wrong")
	moved.login("wrong")
	require.Equal(t, "30000", password(moved), "the third wrong password")
	r.advance(10*time.Minute + 1)
	require.Equal(t, "refused: token无效或已过期", password(r.restored()))
}

func TestSavedStateHoldsNoSecrets(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	for _, c := range simulator.Carriers() {
		r := f.apply(c.Key)
		r.login("not the password")
		for _, a := range flows[c.Key] {
			a.do(r)
		}
	}
	saved := f.saved()
	require.NotContains(t, saved, "not the password")
	for _, p := range simulator.People() {
		require.Contains(t, saved, p.Phone)
		for _, secret := range []string{p.Password, p.QueryPassword, p.NextPassword, p.IDCard, p.Name} {
			require.NotContains(t, saved, secret)
		}
		for _, m := range f.Inbox(p.Phone) {
			require.NotContains(t, saved, m.Code)
		}
	}
	require.NotContains(t, saved, "carrierfsm simulator", "the seed")
}

func TestAnInvalidSavedStateIsRefusedAndChangesNothing(t *testing.T) {
	t.Parallel()
	r := newFixture(t).apply("plain")
	password(r)
	good := r.saved()
	alter := func(from, to string) string {
		require.Contains(t, good, from)
		return strings.Replace(good, from, to, 1)
	}
	for what, bad := range map[string]string{
		"nothing":            "",
		"garbage":            "garbage",
		"half":               good[:len(good)/2],
		"empty":              "{}",
		"version":            alter(`"version":1`, `"version":2`),
		"seed":               alter(`"seed":"`, `"seed":"0`),
		"no sessions":        alter(`"sessions"`, `"x"`),
		"no accounts":        alter(`"accounts"`, `"x"`),
		"no inboxes":         alter(`"inboxes"`, `"x"`),
		"session null":       strings.Replace(alter(`"sessions":{`, `"sessions":{"x":null,`), `"applications":1`, `"applications":2`, 1),
		"token":              alter(`"token":"`, `"token":"0`),
		"unknown person":     alter(`"phone":"13800138000"`, `"phone":"13800138099"`),
		"unknown carrier":    alter(`"website":"chinamobilejs"`, `"website":"x"`),
		"stage too far":      alter(`"stage":1`, `"stage":3`),
		"stage before any":   alter(`"stage":1`, `"stage":-1`),
		"applications short": alter(`"applications":1`, `"applications":0`),
	} {
		require.ErrorContains(t, r.Restore(strings.NewReader(bad)), "simulator: ", what)
		require.Equal(t, good, r.saved(), what)
	}
	other := newFixtureWith(t, simulator.Config{Seed: "another"})
	require.ErrorContains(t, other.Restore(strings.NewReader(good)), "another seed")
	require.NoError(t, r.Restore(strings.NewReader(good)))
	require.Equal(t, "10008 end", code(r))
}

func TestSaveReturnsTheWritersError(t *testing.T) {
	t.Parallel()
	require.ErrorIs(t, newFixture(t).Save(failingWriter{}), errFull)
}

var errFull = errors.New("full")

type failingWriter struct{}

func (failingWriter) Write([]byte) (int, error) { return 0, errFull }
