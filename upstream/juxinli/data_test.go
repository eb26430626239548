package juxinli_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/upstream/juxinli"
	"github.com/carrierfsm/carrierfsm/upstream/sendonce"
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
		a, ctx := newDataFixture(t, c.key), t.Context()
		state, err := a.Job(ctx, a.token)
		require.NoError(t, err)
		require.Equal(t, juxinli.JobRunning, state)
		_, err = a.Report(ctx, a.token)
		require.ErrorIs(t, err, juxinli.ErrNotReady)
		_, err = a.RawData(ctx, a.token)
		require.ErrorIs(t, err, juxinli.ErrNotReady)

		a.clock.Advance(30 * time.Second)
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
		require.Equal(t, 1, a.requests(tokenPath), "one access token for all calls")
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
	a := newDataFixture(t, "plain")
	unknown := carrierfsm.NewSecret("ffffffffffffffffffffffffffffffff")
	_, err := a.Job(t.Context(), unknown)
	require.ErrorIs(t, err, juxinli.ErrNotFound)
	_, err = a.Report(t.Context(), unknown)
	require.ErrorIs(t, err, juxinli.ErrNotFound)
	_, err = a.RawData(t.Context(), unknown)
	require.ErrorIs(t, err, juxinli.ErrNotFound)
	asked := a.requests(jobPath)
	_, err = a.Job(t.Context(), carrierfsm.Secret{})
	require.ErrorIs(t, err, carrierfsm.ErrNotSent, "an empty token, as before a verification is done")
	require.Equal(t, asked, a.requests(jobPath))
}

func TestAReportIsBounded(t *testing.T) {
	t.Parallel()
	a := newDataFixture(t, "plain", func(cfg *juxinli.DataConfig) { cfg.MaxBody = 1 << 20 })
	_, err := a.Job(t.Context(), a.token)
	require.NoError(t, err)
	a.simulator.FaultNext(simulator.Oversized())
	_, err = a.Report(t.Context(), a.token)
	require.ErrorIs(t, err, sendonce.ErrTooLarge)
}

func TestDataRefusesAnInvalidConfig(t *testing.T) {
	t.Parallel()
	c, secret := newClient(t, "https://example.com"), carrierfsm.NewSecret("s")
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
