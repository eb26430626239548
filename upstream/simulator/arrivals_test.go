package simulator_test

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm/upstream/simulator"
)

func TestEveryRequestIsLoggedInOrder(t *testing.T) {
	t.Parallel()
	r := newFixture(t).apply("beijing")
	password(r)
	code(r)
	r.query("wrong")
	r.FaultNext(simulator.DropBeforeReading())
	_, err := r.send(t.Context(), http.MethodPost, collectReq, "application/json", encoded(t, r.request("", "password", "lost")))
	require.Error(t, err)
	_, err = r.send(t.Context(), http.MethodGet, datasources, "", "")
	require.NoError(t, err)
	at := r.clock()
	of := func(n int, kind string) simulator.Arrival {
		return simulator.Arrival{
			Number: n, At: at, Path: collectReq, Read: true,
			Token: r.token, Website: r.website, Account: r.person.Phone, Type: kind,
		}
	}
	login, captcha, query := of(2, ""), of(3, "SUBMIT_CAPTCHA"), of(4, "SUBMIT_QUERY_PWD")
	login.Password, captcha.Captcha, query.QueryPassword = true, true, true
	require.Empty(t, cmp.Diff([]simulator.Arrival{
		{Number: 1, At: at, Path: applications, Read: true},
		login, captcha, query,
		{Number: 5, At: at, Path: collectReq},
		{Number: 6, At: at, Path: datasources, Read: true},
	}, r.Requests()))
	var secrets []simulator.Secrets
	for n := range 8 {
		secrets = append(secrets, r.Secrets(n))
	}
	require.Empty(t, cmp.Diff([]simulator.Secrets{
		{}, {}, {Password: r.person.Password}, {Captcha: r.code()}, {QueryPassword: "wrong"}, {}, {}, {},
	}, secrets))
}

func TestASecretIsCountedInEveryField(t *testing.T) {
	t.Parallel()
	r := newFixture(t).apply("plain")
	r.login("one")
	r.captcha("one")
	r.query("one")
	all := r.request("", "password", "one")
	all["captcha"], all["queryPwd"] = "one", "two"
	r.post(collectReq, all)
	r.token = "unknown"
	r.login("one")
	for value, want := range map[string]int{"one": 5, "two": 1, "three": 0, "": 0} {
		require.Equal(t, want, r.Arrivals(value), value)
	}
}

func TestTheLogPrintsNoSecrets(t *testing.T) {
	t.Parallel()
	r := newFixture(t).apply("plain")
	password(r)
	code(r)
	for _, format := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x"} {
		printed := fmt.Sprintf(format+format+format, r.Requests(), r.Secrets(2), r.Secrets(3))
		require.NotContains(t, printed, r.person.Password)
		require.NotContains(t, printed, r.code())
	}
	require.Equal(t, `request 2 `+collectReq+` ""`, fmt.Sprint(r.Requests()[1]))
}
