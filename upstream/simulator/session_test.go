package simulator_test

import (
	"regexp"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm/upstream/simulator"
)

func TestACodeIsValidForOneSubmit(t *testing.T) {
	t.Parallel()
	r := newFixture(t).apply("sichuan")
	password(r)
	used := r.code()
	require.Equal(t, "10004 SUBMIT_CAPTCHA", r.captcha(""))
	require.Equal(t, "10004 SUBMIT_CAPTCHA", wrongCode(r))
	require.Equal(t, "10001 SUBMIT_CAPTCHA", r.captcha(used), "a wrong code does not use it up")
	require.Equal(t, "10004 SUBMIT_CAPTCHA", r.captcha(used))
	require.Equal(t, "10008 end", code(r))
}

func TestACodeIsValidForItsLifetime(t *testing.T) {
	t.Parallel()
	r := newFixture(t).apply("plain")
	password(r)
	r.advance(5 * time.Minute)
	require.Equal(t, "10008 end", code(r))
}

func TestAnExpiredCodeIsReissued(t *testing.T) {
	t.Parallel()
	for _, submit := range []func(*run) string{code, wrongCode} {
		r := newFixture(t).apply("plain")
		password(r)
		old := r.code()
		r.advance(5*time.Minute + 1)
		require.Equal(t, "10006 SUBMIT_CAPTCHA", submit(r))
		require.Equal(t, 2, r.texts())
		require.Equal(t, "10004 SUBMIT_CAPTCHA", r.captcha(old))
		require.Equal(t, "10008 end", code(r))
	}
}

func TestAnExpiredCodeOfAnOwnMessageNeedsAnotherMessage(t *testing.T) {
	t.Parallel()
	r := newFixture(t).apply("jilin")
	password(r)
	ownSMS(r)
	r.advance(5*time.Minute + 1)
	require.Equal(t, "10018 SUBMIT_CAPTCHA", code(r))
	require.Equal(t, "10004 SUBMIT_CAPTCHA", code(r), "it was used up although expired")
	require.Equal(t, 1, r.texts(), "no new code is sent")
	ownSMS(r)
	require.Equal(t, "10008 end", code(r))
}

func TestAnUnexpectedOwnMessageIsIgnored(t *testing.T) {
	t.Parallel()
	r, plain := newFixture(t).apply("jilin"), newFixture(t).apply("plain")
	ownSMS(r)
	require.Zero(t, r.texts(), "before the password")
	password(plain)
	ownSMS(plain)
	require.Equal(t, 1, plain.texts())
	password(r)
	ownSMS(r)
	code(r)
	ownSMS(r)
	require.Equal(t, 1, r.texts(), "after the collection has started")
}

func TestAResendSendsANewCodeOnlyAfterResendAfter(t *testing.T) {
	t.Parallel()
	r := newFixture(t).apply("plain")
	password(r)
	first := r.code()
	r.advance(time.Minute - 1)
	require.Equal(t, "10002 SUBMIT_CAPTCHA", resend(r))
	require.Equal(t, first, r.code(), "before ResendAfter the code stays")
	r.advance(1)
	require.Equal(t, "10002 SUBMIT_CAPTCHA", resend(r))
	require.Equal(t, 2, r.texts())
	require.Equal(t, "10004 SUBMIT_CAPTCHA", r.captcha(first), "the later one replaces it")
	require.Equal(t, "10008 end", code(r))
}

func TestCodesHaveSixDigitsAndFollowFromTheSeed(t *testing.T) {
	t.Parallel()
	inbox := func(seed string) (codes []string) {
		f := newFixtureWith(t, simulator.Config{Seed: seed})
		for range 3 {
			r := f.apply("sichuan")
			password(r)
			code(r)
		}
		for _, m := range f.Inbox(personAt(t, "sichuan").Phone) {
			require.Regexp(t, regexp.MustCompile("^[0-9]{6}$"), m.Code)
			require.Equal(t, f.clock(), m.At)
			codes = append(codes, m.Code)
		}
		return codes
	}
	one := inbox("one")
	require.Len(t, one, 6)
	require.Empty(t, cmp.Diff(one, inbox("one")))
	require.NotEmpty(t, cmp.Diff(one, inbox("another")))
	different := make(map[string]bool)
	for _, c := range one {
		different[c] = true
	}
	require.Len(t, different, 6, "for each token and each message")
}

func TestARepeatedPasswordRestartsTheSource(t *testing.T) {
	t.Parallel()
	r := newFixture(t).apply("sichuan")
	password(r)
	first := r.code()
	code(r)
	require.Equal(t, "10002 SUBMIT_CAPTCHA", password(r))
	require.Equal(t, "10004 SUBMIT_CAPTCHA", r.captcha(first))
	require.Equal(t, "10001 SUBMIT_CAPTCHA", code(r))
}

func TestTwoApplicationsForOneNumberHaveTheirOwnCodes(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	one, two := f.apply("plain"), f.apply("plain")
	password(one)
	first := one.code()
	password(two)
	require.Equal(t, "10008 end", code(two))
	require.Equal(t, "10008 end", one.captcha(first))
}

func TestATokenExpiresAfterItsLastUse(t *testing.T) {
	t.Parallel()
	r := newFixture(t).apply("plain")
	for range 3 {
		r.advance(10 * time.Minute)
		require.Equal(t, "10002 SUBMIT_CAPTCHA", password(r))
	}
	r.advance(10*time.Minute + 1)
	require.Equal(t, "refused: token无效或已过期", password(r))
	r.token = "00000000000000000000000000000001"
	require.Equal(t, "refused: token无效或已过期", password(r))
}

func TestOneOfManyConcurrentSubmitsUsesTheCode(t *testing.T) {
	t.Parallel()
	const clicks = 8
	r := newFixture(t).apply("sichuan")
	password(r)
	once := r.code()
	answers := make(chan string, clicks)
	for range clicks {
		go func() { answers <- r.captcha(once) }()
	}
	count := make(map[string]int)
	for range clicks {
		count[<-answers]++
	}
	require.Equal(t, map[string]int{"10001 SUBMIT_CAPTCHA": 1, "10004 SUBMIT_CAPTCHA": clicks - 1}, count)
	require.Equal(t, clicks, r.Arrivals(once))
	require.Equal(t, 2, r.texts())
}
