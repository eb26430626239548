package juxinli_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/upstream/juxinli"
)

func TestARefusalIsTyped(t *testing.T) {
	t.Parallel()
	for code, want := range map[string]error{
		`20001`: juxinli.ErrSecretRefused, `"20001"`: juxinli.ErrSecretRefused, `20003`: juxinli.ErrFrozen,
		`20032`: juxinli.ErrNotFound, `20033`: juxinli.ErrNotFound, `20007`: juxinli.ErrTokenRefused,
	} {
		s := newCountingServer(t, func(path string, _ int) string {
			switch path {
			case tokenPath:
				return `{"success":"true","access_token":"a"}`
			case jobPath:
				return `{"success":"true","data":{"status":"完成"}}`
			}
			return `{"success":"false","code":` + code + `,"note":"` + clientSecret + `"}`
		})
		_, err := newData(t, s.URL).Report(t.Context(), carrierfsm.NewSecret("t"))
		require.ErrorIs(t, err, want, code)
		require.NotContains(t, err.Error(), clientSecret)
	}
	for code, shown := range map[string]string{`20099`: "20099", `null`: "", `"` + clientSecret + `"`: "?", `13800138000`: "?"} {
		s := newCountingServer(t, func(string, int) string { return `{"success":"false","code":` + code + `}` })
		_, err := newData(t, s.URL).Job(t.Context(), carrierfsm.NewSecret("t"))
		var refusal *juxinli.RefusalError
		require.ErrorAs(t, err, &refusal, code)
		require.Equal(t, shown, refusal.Code)
		require.Contains(t, refusal.Error()+"|", map[bool]string{true: "code " + shown + "|", false: "without a code|"}[shown != ""])
		for _, known := range []error{juxinli.ErrSecretRefused, juxinli.ErrFrozen, juxinli.ErrTokenRefused, juxinli.ErrNotFound, juxinli.ErrNotReady} {
			require.NotErrorIs(t, err, known)
		}
		require.Equal(t, 1, s.requests(tokenPath), "a refusal is not retried")
		require.Zero(t, s.requests(jobPath))
	}
}
