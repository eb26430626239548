package juxinli_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/upstream/juxinli"
	"github.com/carrierfsm/carrierfsm/upstream/simulator"
)

func TestAReportIsFetchedWhenItIsReady(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		key        string
		state      juxinli.JobState
		afterwards error
	}{
		{"plain", juxinli.JobDone, nil},
		{"no-report", juxinli.JobFailed, juxinli.ErrNotFound},
	} {
		a, ctx := archived(t, c.key), t.Context()
		state, err := a.Job(ctx, a.token)
		require.NoError(t, err)
		require.Equal(t, juxinli.JobRunning, state)
		_, err = a.Report(ctx, a.token)
		require.ErrorIs(t, err, juxinli.ErrNotReady)
		_, err = a.RawData(ctx, a.token)
		require.ErrorIs(t, err, juxinli.ErrNotReady)

		a.clock.advance(30 * time.Second)
		state, err = a.Job(ctx, a.token)
		require.NoError(t, err)
		require.Equal(t, c.state, state)
		report, err := a.Report(ctx, a.token)
		require.ErrorIs(t, err, c.afterwards)
		raw, err2 := a.RawData(ctx, a.token)
		require.ErrorIs(t, err2, c.afterwards)
		if c.afterwards == nil {
			requireDocument(t, report, "person", "cell_phone", "13800138000")
			requireDocument(t, raw, "members", "error_code", 31200.0)
		}
		require.Equal(t, 1, a.asked(tokenPath), "one access token was enough")
	}
}

func requireDocument(t *testing.T, d juxinli.Document, object, key string, want any) {
	t.Helper()
	var written bytes.Buffer
	n, err := d.WriteTo(&written)
	require.NoError(t, err)
	require.EqualValues(t, len(d.JSON()), n)
	require.Equal(t, string(d.JSON()), written.String())
	require.Equal(t, "[redacted]", fmt.Sprint(d))
	var whole map[string]json.RawMessage
	require.NoError(t, json.Unmarshal(d.JSON(), &whole))
	var part map[string]any
	require.NoError(t, json.Unmarshal(whole[object], &part))
	require.Equal(t, want, part[key])
}

func TestATokenThatUpstreamDoesNotKnowIsNotFound(t *testing.T) {
	t.Parallel()
	a := archived(t, "plain")
	unknown := carrierfsm.NewSecret("ffffffffffffffffffffffffffffffff")
	_, err := a.Job(t.Context(), unknown)
	require.ErrorIs(t, err, juxinli.ErrNotFound)
	_, err = a.Report(t.Context(), unknown)
	require.ErrorIs(t, err, juxinli.ErrNotFound)
	_, err = a.RawData(t.Context(), unknown)
	require.ErrorIs(t, err, juxinli.ErrNotFound)
	asked := a.asked(jobPath)
	_, err = a.Job(t.Context(), carrierfsm.Secret{})
	require.ErrorIs(t, err, carrierfsm.ErrNotSent, "no token at all, as before a verification is done")
	require.Equal(t, asked, a.asked(jobPath))
}

func TestAnAccessTokenIsKeptUntilItExpires(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		permanent bool
		want      int
	}{{false, 3}, {true, 1}} {
		a := archived(t, "plain", func(cfg *juxinli.DataConfig) { cfg.Permanent = c.permanent })
		job := func() {
			_, err := a.Job(t.Context(), a.token)
			require.NoError(t, err)
		}
		job()
		a.clock.advance(23*time.Hour + 54*time.Minute)
		job()
		require.Equal(t, 1, a.world.AccessTokens())
		a.clock.advance(2 * time.Minute)
		job()
		a.clock.advance(100 * time.Hour)
		job()
		require.Equal(t, c.want, a.world.AccessTokens())
		asked := a.asked(jobPath)
		require.Equal(t, 4, asked, "none was refused on the way")
	}
}

func TestARefusedAccessTokenIsReplacedOnce(t *testing.T) {
	t.Parallel()
	a := archived(t, "plain")
	_, err := a.Job(t.Context(), a.token)
	require.NoError(t, err)
	a.world.RevokeAccessTokens()
	_, err = a.Job(t.Context(), a.token)
	require.NoError(t, err)
	require.Equal(t, 2, a.world.AccessTokens())
	require.Equal(t, 3, a.asked(jobPath))
}

func TestManyCallersShareOneFreshAccessToken(t *testing.T) {
	t.Parallel()
	const callers = 32
	a := archived(t, "plain")
	for round := 1; round <= 3; round++ {
		var all sync.WaitGroup
		for range callers {
			all.Go(func() {
				if _, err := a.Job(t.Context(), a.token); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		require.Equal(t, round, a.world.AccessTokens(), "one a round")
		a.world.RevokeAccessTokens()
	}
}

func TestAFreshAccessTokenThatIsRefusedTooIsNoLoop(t *testing.T) {
	t.Parallel()
	s := counting(t, func(path string, n int) string {
		if path == tokenPath {
			return fmt.Sprintf(`{"success":"true","access_token":"access-%d"}`, n)
		}
		return `{"success":"false","code":"20007","note":"access_token"}`
	})
	d := data(t, s.URL)
	for call := 1; call <= 3; call++ {
		_, err := d.Job(t.Context(), carrierfsm.NewSecret("t"))
		require.ErrorIs(t, err, juxinli.ErrTokenRefused)
		require.Equal(t, 2*call, s.asked(jobPath))
		require.Equal(t, call+1, s.asked(tokenPath), "each call fetches one, but for the very first")
	}
}

func TestARefusalIsTyped(t *testing.T) {
	t.Parallel()
	for code, want := range map[string]error{
		`20001`: juxinli.ErrSecretRefused, `"20001"`: juxinli.ErrSecretRefused, `20003`: juxinli.ErrFrozen,
		`20032`: juxinli.ErrNotFound, `20033`: juxinli.ErrNotFound, `20007`: juxinli.ErrTokenRefused,
	} {
		s := counting(t, func(path string, _ int) string {
			switch path {
			case tokenPath:
				return `{"success":"true","access_token":"a"}`
			case jobPath:
				return `{"success":"true","data":{"status":"完成"}}`
			}
			return `{"success":"false","code":` + code + `,"note":"` + clientSecret + `"}`
		})
		_, err := data(t, s.URL).Report(t.Context(), carrierfsm.NewSecret("t"))
		require.ErrorIs(t, err, want, code)
		require.NotContains(t, err.Error(), clientSecret)
	}
	for code, shown := range map[string]string{`20099`: "20099", `null`: "", `"` + clientSecret + `"`: "?", `13800138000`: "?"} {
		s := counting(t, func(string, int) string { return `{"success":"false","code":` + code + `}` })
		_, err := data(t, s.URL).Job(t.Context(), carrierfsm.NewSecret("t"))
		var refusal *juxinli.RefusalError
		require.ErrorAs(t, err, &refusal, code)
		require.Equal(t, shown, refusal.Code)
		require.Contains(t, refusal.Error()+"|", map[bool]string{true: "code " + shown + "|", false: "without a code|"}[shown != ""])
		for _, known := range []error{juxinli.ErrSecretRefused, juxinli.ErrFrozen, juxinli.ErrTokenRefused, juxinli.ErrNotFound, juxinli.ErrNotReady} {
			require.NotErrorIs(t, err, known)
		}
		require.Equal(t, 1, s.asked(tokenPath), "a refusal is not tried again")
		require.Zero(t, s.asked(jobPath))
	}
}

func TestADataCallIsTriedAgainWhileNoAnswerComes(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		rule  string
		fault simulator.Fault
		again bool
	}{
		{"the connection broke", simulator.DropBeforeReading(), true},
		{"the reply was lost", simulator.DropAfterReading(), true},
		{"the reply broke off", simulator.Reset(), true},
		{"503", simulator.ServerError(false), true},
		{"half of it", simulator.Truncated(), false},
		{"garbage", simulator.Garbage(), false},
		{"a web page", simulator.HTML(), false},
		{"a redirect", simulator.Redirect("http://127.0.0.1:1/"), false},
	} {
		t.Run(c.rule, func(t *testing.T) {
			t.Parallel()
			a := archived(t, "plain", func(cfg *juxinli.DataConfig) { cfg.Tries = 2 })
			_, err := a.Job(t.Context(), a.token)
			require.NoError(t, err)
			a.world.FaultNext(c.fault)
			_, err = a.Job(t.Context(), a.token)
			if c.again {
				require.NoError(t, err)
				require.Equal(t, 3, a.asked(jobPath))
				a.world.FaultNext(c.fault)
				a.world.FaultNext(c.fault)
				_, err = a.Job(t.Context(), a.token)
				require.Equal(t, 5, a.asked(jobPath), "two tries and no more")
			} else {
				require.Equal(t, 2, a.asked(jobPath))
			}
			require.Error(t, err)
			require.NotErrorIs(t, err, carrierfsm.ErrNotSent)
		})
	}
}

func TestAReportIsBounded(t *testing.T) {
	t.Parallel()
	a := archived(t, "plain", func(cfg *juxinli.DataConfig) { cfg.MaxBody = 1 << 20 })
	_, err := a.Job(t.Context(), a.token)
	require.NoError(t, err)
	a.world.FaultNext(simulator.Oversized())
	_, err = a.Report(t.Context(), a.token)
	require.ErrorIs(t, err, juxinli.ErrTooLarge)
}

func TestACallerWhoLeavesDoesNotTakeTheAccessTokenWithIt(t *testing.T) {
	t.Parallel()
	asked, release := make(chan struct{}), make(chan struct{})
	var tokens atomic.Int32
	s := counting(t, func(path string, _ int) string {
		if path != tokenPath {
			return `{"success":"true","data":{"status":"抓取中"}}`
		}
		tokens.Add(1)
		close(asked)
		<-release
		return `{"success":"true","access_token":"a"}`
	})
	d := data(t, s.URL)
	ctx, leave := context.WithCancel(t.Context())
	left := make(chan error, 1)
	go func() {
		_, err := d.Job(ctx, carrierfsm.NewSecret("t"))
		left <- err
	}()
	<-asked
	leave()
	err := <-left
	require.ErrorIs(t, err, context.Canceled)
	require.ErrorIs(t, err, carrierfsm.ErrNotSent)
	close(release)
	state, err := d.Job(t.Context(), carrierfsm.NewSecret("t"))
	require.NoError(t, err)
	require.Equal(t, juxinli.JobRunning, state)
	require.EqualValues(t, 1, tokens.Load())
	_, err = d.Job(ctx, carrierfsm.NewSecret("t"))
	require.ErrorIs(t, err, carrierfsm.ErrNotSent, "with a context that has ended nothing is sent")
}

func TestDataRefusesWhatIsNotSafe(t *testing.T) {
	t.Parallel()
	c, secret := client(t, "https://example.com"), carrierfsm.NewSecret("s")
	for rule, cfg := range map[string]juxinli.DataConfig{
		"no secret":             {},
		"a negative body bound": {ClientSecret: secret, MaxBody: -1},
		"an immense body bound": {ClientSecret: secret, MaxBody: 2 << 30},
		"negative tries":        {ClientSecret: secret, Tries: -1},
		"a negative pause":      {ClientSecret: secret, RetryPause: -1},
	} {
		_, err := c.Data(cfg)
		require.Error(t, err, rule)
	}
}
