package simulator_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm/upstream/simulator"
)

const resetReq = "/orgApi/rest/v2/messages/reset/req"

// reset sends a request of a password reset.
func (r *run) reset(kind, code, newPassword string) string {
	r.t.Helper()
	request := r.request(kind, "captcha", code)
	request["password"] = newPassword
	return summarize(r.post(resetReq, r.speak(request)))
}

func askReset(r *run) string       { return r.reset("RESEND_RESET_PWD_CAPTCHA", "", "") }
func resetCode(r *run) string      { return r.reset("SUBMIT_RESET_PWD", r.code(), "") }
func wrongResetCode(r *run) string { return r.reset("SUBMIT_RESET_PWD", "none", "975318") }
func newPassword(r *run) string    { return r.reset("SUBMIT_RESET_PWD", r.code(), "975318") }

func badPassword(newPassword string) func(*run) string {
	return func(r *run) string { return r.reset("SUBMIT_RESET_PWD", r.code(), newPassword) }
}

func withNewPassword(r *run) string    { return r.login("975318") }
func withTextedPassword(r *run) string { return r.login(r.code()) }

func TestAResetFailsAtACarrierWithoutOne(t *testing.T) {
	t.Parallel()
	r := newFixture(t).apply("weak")
	require.Equal(t, "31000", askReset(r))
	require.Equal(t, "31000", newPassword(r))
	require.Zero(t, r.texts())
}

// Whichever way a client begins a reset, one code is sent, and one more after a
// minute.
func TestAResetBeginsInThreeWays(t *testing.T) {
	t.Parallel()
	begins := []func(*run) string{
		askReset,
		func(r *run) string { return r.reset("", "", "") },
		func(r *run) string { return r.reset("SUBMIT_RESET_PWD", "", "") },
	}
	for _, first := range begins {
		for _, second := range begins {
			r := newFixture(t).apply("weak-resettable")
			require.Equal(t, "10002 SUBMIT_RESET_PWD", first(r))
			require.Equal(t, "10002 SUBMIT_RESET_PWD", second(r))
			require.Equal(t, 1, r.texts(), "too early for another")
			r.advance(time.Minute)
			require.Equal(t, "10002 SUBMIT_RESET_PWD", second(r))
			require.Equal(t, 2, r.texts())
			require.Equal(t, "11000", newPassword(r))
			require.Equal(t, "10008 end", withNewPassword(r))
		}
	}
}

func TestALockedNumberCantBeReset(t *testing.T) {
	t.Parallel()
	r := newFixture(t).apply("weak-resettable")
	for range 2 {
		require.Equal(t, "10003", r.login("000000"))
	}
	askReset(r)
	require.Equal(t, "11000", newPassword(r), "two wrong passwords don't lock the number")
	for range 3 {
		require.Equal(t, "10003", r.login("000000"), "the reset cleared the count")
	}
	require.Equal(t, "31000", askReset(r))
}

func TestResetCodesExpireAndAreResentLikeOthers(t *testing.T) {
	t.Parallel()
	r := newFixture(t).apply("weak-resettable")
	askReset(r)
	first := r.code()
	r.advance(time.Minute - 1)
	askReset(r)
	require.Equal(t, 1, r.texts(), "too early")
	r.advance(1)
	askReset(r)
	require.Equal(t, 2, r.texts())
	require.Equal(t, "10004 SUBMIT_RESET_PWD", r.reset("SUBMIT_RESET_PWD", first, "975318"))
	r.advance(5*time.Minute + 1)
	require.Equal(t, "10006 SUBMIT_RESET_PWD", newPassword(r), "expired; a new code was sent")
	require.Equal(t, 3, r.texts())
	require.Equal(t, "11000", newPassword(r))
}

func TestAResetWhereCodesAreReissued(t *testing.T) {
	t.Parallel()
	carriers := simulator.Carriers()
	carriers[5].ResetMethod = 2 // "reissue"
	r := newFixtureWith(t, simulator.Config{Carriers: carriers}).apply("reissue")
	askReset(r)
	require.Equal(t, "10006 SUBMIT_RESET_PWD", wrongResetCode(r))
	require.Equal(t, 2, r.texts())
	require.Equal(t, "11000", newPassword(r))
}

func TestALoginEndsAReset(t *testing.T) {
	t.Parallel()
	r := newFixture(t).apply("reset-by-sms")
	askReset(r)
	require.Equal(t, "10007", password(r), "right, but too simple")
	require.Equal(t, "11000", resetCode(r), "the reset is not ended by a refused password")
	require.True(t, r.Inbox(r.person.Phone)[1].Password)
	require.False(t, r.Inbox(r.person.Phone)[0].Password)
	require.Equal(t, "10002 SUBMIT_CAPTCHA", withTextedPassword(r))
	require.Equal(t, "30000", resetCode(r), "a login ends it")
}

func TestHasPasswordKnowsResets(t *testing.T) {
	t.Parallel()
	r := newFixture(t).apply("weak-resettable")
	require.True(t, r.HasPassword(r.person.Phone, r.person.Website, r.person.Password))
	askReset(r)
	newPassword(r)
	require.False(t, r.HasPassword(r.person.Phone, r.person.Website, r.person.Password))
	require.True(t, r.HasPassword(r.person.Phone, r.person.Website, "975318"))
	require.True(t, r.HasPassword(r.person.Phone, "chinaunicom", r.person.NextPassword), "the password at another website is unchanged")
	require.False(t, r.HasPassword("13800138099", r.person.Website, "975318"))
	require.Zero(t, r.LoginAttempts(r.person.Phone))
}

func TestResetsAndSkipsAreScripted(t *testing.T) {
	t.Parallel()
	r := newFixture(t).apply("plain")
	r.Script(r.person.Phone, simulator.Code(11000), simulator.Code(10008))
	require.Equal(t, "11000", newPassword(r))
	require.Equal(t, "10008", skip(r))
	require.Equal(t, "31000", askReset(r), "the script is used up")
}
