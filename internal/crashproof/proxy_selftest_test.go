package crashproof_test

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// The proxy knows which input a request relays, and which secrets do not belong to it.
func TestTheProxyFindsSecretsThatDontBelongToARequest(t *testing.T) {
	t.Parallel()
	const skip, reset, collect = "/messages/collect/skip", "/messages/reset/req", "/messages/collect/req"
	for name, c := range map[string]struct {
		path          string
		in            requestFields
		kind          string
		foreignSecret bool
	}{
		"a password":                     {collect, requestFields{Password: "246810~3.1"}, "password", false},
		"a password and a code":          {collect, requestFields{Password: "246810~3.1", Captcha: "1"}, "password", true},
		"a code with the password":       {collect, requestFields{Type: "SUBMIT_CAPTCHA", Captcha: "1~4.2", Password: "246810~3.1"}, "captcha", false},
		"a resend":                       {collect, requestFields{Type: "RESEND_CAPTCHA"}, "resend_captcha", false},
		"a resend with the password":     {collect, requestFields{Type: "RESEND_CAPTCHA", Password: "246810~3.1"}, "resend_captcha", true},
		"a reset":                        {reset, requestFields{Type: "RESEND_RESET_PWD_CAPTCHA"}, "request_reset", false},
		"a reset with the password":      {reset, requestFields{Type: "RESEND_RESET_PWD_CAPTCHA", Password: "246810~3.1"}, "request_reset", true},
		"a code and its new password":    {reset, requestFields{Type: "SUBMIT_RESET_PWD", Captcha: "1~5.3", Password: "975318~5.4"}, "reset_captcha", false},
		"a code and the old password":    {reset, requestFields{Type: "SUBMIT_RESET_PWD", Captcha: "1~5.3", Password: "246810~3.1"}, "reset_captcha", true},
		"a code of a reset by text":      {reset, requestFields{Type: "SUBMIT_RESET_PWD", Captcha: "1~5.3"}, "reset_captcha", false},
		"a skip":                         {skip, requestFields{}, "skip_source", false},
		"a skip with a code":             {skip, requestFields{Captcha: "1"}, "skip_source", true},
		"a query password with the code": {collect, requestFields{Type: "SUBMIT_QUERY_PWD", Query: "1~2.1", Captcha: "1"}, "query_password", true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			kind, tag := c.in.kind(c.path)
			require.Equal(t, c.kind, kind)
			a := arrival{kind: kind}
			a.secret, a.step, a.nonce = untag(tag)
			require.Equal(t, c.foreignSecret, c.in.foreignSecret(a))
		})
	}
}
