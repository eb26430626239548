package simulator_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm/upstream/simulator"
)

// step is something that a person does, and the summary of the response.
type step struct {
	do   func(*run) string
	want string
}

func password(r *run) string     { return r.login(r.person.Password) }
func nextPassword(r *run) string { return r.login(r.person.NextPassword) }
func code(r *run) string         { return r.captcha(r.code()) }
func wrongCode(r *run) string    { return r.captcha("none") }
func resend(r *run) string       { return r.resend() }
func query(r *run) string        { return r.query(r.person.QueryPassword) }
func wrongQuery(r *run) string   { return r.query("wrong") }

func ownSMS(r *run) string {
	r.TextCXXD(r.person.Phone)
	return "texted"
}

func toNext(r *run) string {
	r.website = "chinatelecomah"
	return r.website
}

// flows has the flow of every carrier.
var flows = map[string][]step{
	"plain":  {{password, "10002 SUBMIT_CAPTCHA"}, {wrongCode, "10004 SUBMIT_CAPTCHA"}, {code, "10008 end"}, {password, "ERROR"}},
	"unicom": {{password, "10008 end"}, {password, "ERROR"}},
	"beijing": {
		{password, "10002 SUBMIT_CAPTCHA"},
		{query, "30000"},
		{code, "10022 SUBMIT_QUERY_PWD"},
		{code, "30000"},
		{resend, "30000"},
		{wrongQuery, "10023 SUBMIT_QUERY_PWD"},
		{query, "10008 end"},
		{query, "ERROR"},
	},
	"sichuan": {{password, "10002 SUBMIT_CAPTCHA"}, {code, "10001 SUBMIT_CAPTCHA"}, {code, "10008 end"}},
	"jilin": {
		{password, "10017 SUBMIT_CAPTCHA"},
		{code, "10004 SUBMIT_CAPTCHA"}, // no code was sent yet
		{resend, "10017 SUBMIT_CAPTCHA"},
		{ownSMS, "texted"},
		{wrongCode, "10004 SUBMIT_CAPTCHA"},
		{code, "10008 end"},
	},
	"reissue": {{password, "10002 SUBMIT_CAPTCHA"}, {wrongCode, "10006 SUBMIT_CAPTCHA"}, {code, "10008 end"}},
	"weak":    {{password, "10007"}, {code, "30000"}},
	"weak-resettable": {
		{password, "10007"},
		{newPassword, "30000"}, // no code is awaited yet
		{askReset, "10002 SUBMIT_RESET_PWD"},
		{code, "30000"}, // not in a reset
		{badPassword("12345a"), "10010 SUBMIT_RESET_PWD"},
		{badPassword("12345"), "11001 SUBMIT_RESET_PWD"},
		{badPassword("123456789"), "11001 SUBMIT_RESET_PWD"},
		{badPassword(""), "11001 SUBMIT_RESET_PWD"},
		{wrongResetCode, "10004 SUBMIT_RESET_PWD"},
		{newPassword, "11000"},
		{newPassword, "30000"},
		{password, "10003"},
		{withNewPassword, "10008 end"},
		{askReset, "31000"},
	},
	"reset-by-sms": {
		{askReset, "10002 SUBMIT_RESET_PWD"}, // before any password
		{wrongResetCode, "10004 SUBMIT_RESET_PWD"},
		{resetCode, "11000"},
		{password, "10003"},
		{withTextedPassword, "10002 SUBMIT_CAPTCHA"},
		{askReset, "10002 SUBMIT_RESET_PWD"}, // a second reset
		{code, "30000"},
		{resetCode, "11000"},
		{withTextedPassword, "10002 SUBMIT_CAPTCHA"},
		{code, "10008 end"},
	},
	"unreal":  {{password, "10002 SUBMIT_CAPTCHA"}, {code, "10009"}, {code, "30000"}},
	"offline": {{password, "30000"}},
	"two-sources": {
		{password, "10002 SUBMIT_CAPTCHA"},
		{code, "10008 then chinatelecomah"},
		{nextPassword, "ERROR then chinatelecomah"}, // still for the first source
		{toNext, "chinatelecomah"},
		{code, "30000"},
		{password, "10003"},
		{nextPassword, "10002 SUBMIT_CAPTCHA"},
		{code, "10008 end"},
		{nextPassword, "ERROR"},
	},
	"second-source": {{password, "10002 SUBMIT_CAPTCHA"}, {code, "10008 end"}},
	"no-report":     {{password, "10002 SUBMIT_CAPTCHA"}, {code, "10008 end"}},
}

// Whatever a client leaves out, leaves empty or repeats, the flow is the same.
func TestEachCarrierFollowsItsFlowForEveryClient(t *testing.T) {
	t.Parallel()
	for name, speak := range dialects {
		for _, c := range simulator.Carriers() {
			t.Run(c.Key+" "+name, func(t *testing.T) {
				t.Parallel()
				require.Contains(t, flows, c.Key)
				r := newFixture(t).apply(c.Key)
				r.dialect = speak
				var want, got []string
				for _, a := range flows[c.Key] {
					want, got = append(want, a.want), append(got, a.do(r))
				}
				require.Empty(t, cmp.Diff(want, got))
			})
		}
	}
}

func TestAServerUsesTheConfiguredCarriersAndPeople(t *testing.T) {
	t.Parallel()
	r := newCustomRun(t, simulator.Carrier{Website: "w", Asks: []simulator.Ask{simulator.AskQuery, simulator.AskOwnSMS}})
	require.Equal(t, "10022 SUBMIT_QUERY_PWD", password(r))
	require.Equal(t, "10017 SUBMIT_CAPTCHA", query(r))
	ownSMS(r)
	require.Equal(t, "10008 end", code(r))
}

// newCustomRun returns the run of one person with the given carriers, of which the
// first is the person's.
func newCustomRun(t *testing.T, carriers ...simulator.Carrier) *run {
	t.Helper()
	own := simulator.Person{
		Phone: "13800138050", Name: "测试用户", IDCard: "1", Website: carriers[0].Website,
		Password: "p", QueryPassword: "q", NextPassword: "n",
	}
	return newFixtureWith(t, simulator.Config{Carriers: carriers, People: []simulator.Person{own}}).applyAs(own)
}
