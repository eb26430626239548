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

func (b *bench) saved() string {
	b.t.Helper()
	var out bytes.Buffer
	require.NoError(b.t, b.Save(&out))
	return out.String()
}

// moved is a talk that goes on at another server, which restored this one's world.
func (k *talk) moved() *talk {
	k.t.Helper()
	b := newBench(k.t)
	b.advance(k.clock().Sub(b.clock()))
	require.NoError(k.t, b.Restore(strings.NewReader(k.saved())))
	return &talk{b, k.person, k.token, k.website}
}

func TestEveryFlowGoesOnAtARestoredServer(t *testing.T) {
	t.Parallel()
	for key, acts := range flows {
		t.Run(key, func(t *testing.T) {
			t.Parallel()
			k := newBench(t).apply(key)
			for _, a := range acts {
				k = k.moved()
				require.Equal(t, a.want, a.do(k))
			}
		})
	}
}

func TestTimesAndCountersAreSavedToo(t *testing.T) {
	t.Parallel()
	k := newBench(t).apply("plain")
	k.login("wrong")
	password(k)
	k.advance(5*time.Minute + 1)
	moved := k.moved()
	require.Equal(t, k.Inbox(k.person.Phone), moved.Inbox(k.person.Phone))
	require.Equal(t, 2, moved.LoginAttempts(k.person.Phone))
	require.NotEqual(t, k.token, moved.apply("plain").token, "tokens go on")
	require.Equal(t, "10006 SUBMIT_CAPTCHA", code(moved), "the code grew old")
	moved.login("wrong")
	moved.login("wrong")
	require.Equal(t, "30000", password(moved), "the third wrong one in all")
	k.advance(10*time.Minute + 1)
	require.Equal(t, "refused: token无效或已过期", password(k.moved()))
}

func TestASavedWorldHoldsNoSecrets(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	for _, c := range simulator.Carriers() {
		k := b.apply(c.Key)
		k.login("not the password")
		for _, a := range flows[c.Key] {
			a.do(k)
		}
	}
	saved := b.saved()
	require.NotContains(t, saved, "not the password")
	for _, p := range simulator.People() {
		require.Contains(t, saved, p.Phone)
		for _, secret := range []string{p.Password, p.QueryPassword, p.NextPassword, p.IDCard, p.Name} {
			require.NotContains(t, saved, secret)
		}
		for _, m := range b.Inbox(p.Phone) {
			require.NotContains(t, saved, m.Code)
		}
	}
	require.NotContains(t, saved, "carrierfsm simulator", "the seed")
}

func TestWhatIsNoSavedWorldIsRefusedAndChangesNothing(t *testing.T) {
	t.Parallel()
	k := newBench(t).apply("plain")
	password(k)
	good := k.saved()
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
		require.ErrorContains(t, k.Restore(strings.NewReader(bad)), "simulator: ", what)
		require.Equal(t, good, k.saved(), what)
	}
	other := newBenchOf(t, simulator.Config{Seed: "another"})
	require.ErrorContains(t, other.Restore(strings.NewReader(good)), "another seed")
	require.NoError(t, k.Restore(strings.NewReader(good)))
	require.Equal(t, "10008 end", code(k))
}

func TestSaveReturnsTheWritersError(t *testing.T) {
	t.Parallel()
	require.ErrorIs(t, newBench(t).Save(full{}), errFull)
}

var errFull = errors.New("full")

type full struct{}

func (full) Write([]byte) (int, error) { return 0, errFull }
