package simulator_test

import (
	"regexp"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm/upstream/simulator"
)

func TestACodeIsGoodForOneSubmit(t *testing.T) {
	t.Parallel()
	k := newBench(t).apply("sichuan")
	password(k)
	used := k.code()
	require.Equal(t, "10004 SUBMIT_CAPTCHA", k.captcha(""))
	require.Equal(t, "10004 SUBMIT_CAPTCHA", wrongCode(k))
	require.Equal(t, "10001 SUBMIT_CAPTCHA", k.captcha(used), "a wrong one left it good")
	require.Equal(t, "10004 SUBMIT_CAPTCHA", k.captcha(used))
	require.Equal(t, "10008 end", code(k))
}

func TestACodeIsGoodUntilItsTimeIsUp(t *testing.T) {
	t.Parallel()
	k := newBench(t).apply("plain")
	password(k)
	k.advance(5 * time.Minute)
	require.Equal(t, "10008 end", code(k))
}

func TestAnOldCodeIsReplacedByItself(t *testing.T) {
	t.Parallel()
	for _, submit := range []func(*talk) string{code, wrongCode} {
		k := newBench(t).apply("plain")
		password(k)
		old := k.code()
		k.advance(5*time.Minute + 1)
		require.Equal(t, "10006 SUBMIT_CAPTCHA", submit(k))
		require.Equal(t, 2, k.texts())
		require.Equal(t, "10004 SUBMIT_CAPTCHA", k.captcha(old))
		require.Equal(t, "10008 end", code(k))
	}
}

func TestAnOldCodeOfAnOwnMessageNeedsAnotherMessage(t *testing.T) {
	t.Parallel()
	k := newBench(t).apply("jilin")
	password(k)
	ownSMS(k)
	k.advance(5*time.Minute + 1)
	require.Equal(t, "10018 SUBMIT_CAPTCHA", code(k))
	require.Equal(t, "10004 SUBMIT_CAPTCHA", code(k), "it was used up all the same")
	require.Equal(t, 1, k.texts(), "nothing comes by itself")
	ownSMS(k)
	require.Equal(t, "10008 end", code(k))
}

func TestAnOwnMessageBringsNothingWhereNoneIsAwaited(t *testing.T) {
	t.Parallel()
	k, plain := newBench(t).apply("jilin"), newBench(t).apply("plain")
	ownSMS(k)
	require.Zero(t, k.texts(), "the password comes first")
	password(plain)
	ownSMS(plain)
	require.Equal(t, 1, plain.texts())
	password(k)
	ownSMS(k)
	code(k)
	ownSMS(k)
	require.Equal(t, 1, k.texts(), "collection has started")
}

func TestAResendTextsAnotherCodeOnlyAfterAWhile(t *testing.T) {
	t.Parallel()
	k := newBench(t).apply("plain")
	password(k)
	first := k.code()
	k.advance(time.Minute - 1)
	require.Equal(t, "10002 SUBMIT_CAPTCHA", resend(k))
	require.Equal(t, first, k.code(), "too soon: the code stays")
	k.advance(1)
	require.Equal(t, "10002 SUBMIT_CAPTCHA", resend(k))
	require.Equal(t, 2, k.texts())
	require.Equal(t, "10004 SUBMIT_CAPTCHA", k.captcha(first), "the later one replaces it")
	require.Equal(t, "10008 end", code(k))
}

func TestCodesHaveSixDigitsAndFollowFromTheSeed(t *testing.T) {
	t.Parallel()
	inbox := func(seed string) (codes []string) {
		b := newBenchOf(t, simulator.Config{Seed: seed})
		for range 3 {
			k := b.apply("sichuan")
			password(k)
			code(k)
		}
		for _, m := range b.Inbox(personAt(t, "sichuan").Phone) {
			require.Regexp(t, regexp.MustCompile("^[0-9]{6}$"), m.Code)
			require.Equal(t, b.clock(), m.At)
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
	require.Len(t, different, 6, "of each token and each time")
}

func TestAPasswordGivenAgainBeginsTheSourceAnew(t *testing.T) {
	t.Parallel()
	k := newBench(t).apply("sichuan")
	password(k)
	first := k.code()
	code(k)
	require.Equal(t, "10002 SUBMIT_CAPTCHA", password(k))
	require.Equal(t, "10004 SUBMIT_CAPTCHA", k.captcha(first))
	require.Equal(t, "10001 SUBMIT_CAPTCHA", code(k))
}

func TestTwoApplicationsForOneNumberHaveCodesOfTheirOwn(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	one, two := b.apply("plain"), b.apply("plain")
	password(one)
	first := one.code()
	password(two)
	require.Equal(t, "10008 end", code(two))
	require.Equal(t, "10008 end", one.captcha(first))
}
