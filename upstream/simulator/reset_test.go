package simulator_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm/upstream/simulator"
)

const resetReq = "/orgApi/rest/v2/messages/reset/req"

// reset sends a step of a password reset.
func (k *talk) reset(kind, code, chosen string) string {
	k.t.Helper()
	request := k.request(kind, "captcha", code)
	request["password"] = chosen
	return short(k.post(resetReq, request))
}

func askReset(k *talk) string       { return k.reset("RESEND_RESET_PWD_CAPTCHA", "", "") }
func resetCode(k *talk) string      { return k.reset("SUBMIT_RESET_PWD", k.code(), "") }
func wrongResetCode(k *talk) string { return k.reset("SUBMIT_RESET_PWD", "none", "975318") }
func newPassword(k *talk) string    { return k.reset("SUBMIT_RESET_PWD", k.code(), "975318") }

func badPassword(chosen string) func(*talk) string {
	return func(k *talk) string { return k.reset("SUBMIT_RESET_PWD", k.code(), chosen) }
}

func withNewPassword(k *talk) string    { return k.login("975318") }
func withTextedPassword(k *talk) string { return k.login(k.code()) }

func TestAResetThatACarrierDoesNotHaveFails(t *testing.T) {
	t.Parallel()
	k := newBench(t).apply("weak")
	require.Equal(t, "31000", askReset(k))
	require.Equal(t, "31000", newPassword(k))
	require.Zero(t, k.texts())
}

func TestAResetIsRefusedToWhoeverIsNotTheApplicant(t *testing.T) {
	t.Parallel()
	for _, change := range []fields{{"account": "13800138001"}, {"website": "chinaunicom"}, {"type": "DANCE"}} {
		k := newBench(t).apply("weak-resettable")
		request := k.request("RESEND_RESET_PWD_CAPTCHA", "captcha", "")
		for field, value := range change {
			request[field] = value
		}
		require.Equal(t, "30000", short(k.post(resetReq, request)))
		require.Zero(t, k.texts())
	}
}

func TestALockedNumberCantBeReset(t *testing.T) {
	t.Parallel()
	k := newBench(t).apply("weak-resettable")
	for range 2 {
		require.Equal(t, "10003", k.login("000000"))
	}
	askReset(k)
	require.Equal(t, "11000", newPassword(k), "two wrong ones lock nothing")
	for range 3 {
		require.Equal(t, "10003", k.login("000000"), "the tries began anew")
	}
	require.Equal(t, "31000", askReset(k))
}

func TestTheCodesOfAResetAreLikeOthers(t *testing.T) {
	t.Parallel()
	k := newBench(t).apply("weak-resettable")
	askReset(k)
	first := k.code()
	k.advance(time.Minute - 1)
	askReset(k)
	require.Equal(t, 1, k.texts(), "too early")
	k.advance(1)
	askReset(k)
	require.Equal(t, 2, k.texts())
	require.Equal(t, "10004 SUBMIT_RESET_PWD", k.reset("SUBMIT_RESET_PWD", first, "975318"))
	k.advance(5*time.Minute + 1)
	require.Equal(t, "10006 SUBMIT_RESET_PWD", newPassword(k), "too old; another was texted")
	require.Equal(t, 3, k.texts())
	require.Equal(t, "11000", newPassword(k))
}

func TestAResetWhereCodesAreReissued(t *testing.T) {
	t.Parallel()
	carriers := simulator.Carriers()
	carriers[5].ResetMethod = 2 // "reissue"
	k := newBenchOf(t, simulator.Config{Carriers: carriers}).apply("reissue")
	askReset(k)
	require.Equal(t, "10006 SUBMIT_RESET_PWD", wrongResetCode(k))
	require.Equal(t, 2, k.texts())
	require.Equal(t, "11000", newPassword(k))
}

func TestAPasswordLeavesTheReset(t *testing.T) {
	t.Parallel()
	k := newBench(t).apply("reset-by-sms")
	askReset(k)
	require.Equal(t, "10007", password(k), "known, and still too simple")
	require.Equal(t, "11000", resetCode(k), "the code of the reset is good yet")
	require.True(t, k.Inbox(k.person.Phone)[1].Password)
	require.False(t, k.Inbox(k.person.Phone)[0].Password)
	require.Equal(t, "10002 SUBMIT_CAPTCHA", withTextedPassword(k))
	require.Equal(t, "30000", resetCode(k), "a login ends it")
}

func TestWhichPasswordIsInForceCanBeAsked(t *testing.T) {
	t.Parallel()
	k := newBench(t).apply("weak-resettable")
	require.True(t, k.Fits(k.person.Phone, k.person.Website, k.person.Password))
	askReset(k)
	newPassword(k)
	require.False(t, k.Fits(k.person.Phone, k.person.Website, k.person.Password))
	require.True(t, k.Fits(k.person.Phone, k.person.Website, "975318"))
	require.True(t, k.Fits(k.person.Phone, "chinaunicom", k.person.NextPassword), "elsewhere it is as it was")
	require.False(t, k.Fits("13800138099", k.person.Website, "975318"))
	require.Zero(t, k.LoginAttempts(k.person.Phone))
}

func TestResetsAndSkipsAreScriptedLikeTheRest(t *testing.T) {
	t.Parallel()
	k := newBench(t).apply("plain")
	k.Script(k.person.Phone, simulator.Code(11000), simulator.Code(10008))
	require.Equal(t, "11000", newPassword(k))
	require.Equal(t, "10008", skip(k))
	require.Equal(t, "31000", askReset(k), "then it goes on as it was")
}
