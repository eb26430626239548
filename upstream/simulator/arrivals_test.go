package simulator_test

import (
	"fmt"
	"net/http"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm/upstream/simulator"
)

func TestEveryRequestIsLoggedInOrder(t *testing.T) {
	t.Parallel()
	k := newBench(t).apply("beijing")
	password(k)
	code(k)
	k.query("wrong")
	k.FaultNext(simulator.DropBeforeReading())
	_, err := k.send(t.Context(), http.MethodPost, collectReq, "application/json", encoded(t, k.request("", "password", "lost")))
	require.Error(t, err)
	_, err = k.send(t.Context(), http.MethodGet, datasources, "", "")
	require.NoError(t, err)
	at := k.clock()
	of := func(n int, kind string) simulator.Arrival {
		return simulator.Arrival{
			Number: n, At: at, Path: collectReq, Read: true,
			Token: k.token, Website: k.website, Account: k.person.Phone, Type: kind,
		}
	}
	login, captcha, query := of(2, ""), of(3, "SUBMIT_CAPTCHA"), of(4, "SUBMIT_QUERY_PWD")
	login.Password, captcha.Captcha, query.QueryPassword = true, true, true
	require.Empty(t, cmp.Diff([]simulator.Arrival{
		{Number: 1, At: at, Path: applications, Read: true},
		login, captcha, query,
		{Number: 5, At: at, Path: collectReq},
		{Number: 6, At: at, Path: datasources, Read: true},
	}, k.Requests()))
	var secrets []simulator.Secrets
	for n := range 8 {
		secrets = append(secrets, k.Secrets(n))
	}
	require.Empty(t, cmp.Diff([]simulator.Secrets{
		{}, {}, {Password: k.person.Password}, {Captcha: k.code()}, {QueryPassword: "wrong"}, {}, {}, {},
	}, secrets))
}

func TestASecretIsCountedInWhateverFieldItCame(t *testing.T) {
	t.Parallel()
	k := newBench(t).apply("plain")
	k.login("one")
	k.captcha("one")
	k.query("one")
	all := k.request("", "password", "one")
	all["captcha"], all["queryPwd"] = "one", "two"
	k.post(collectReq, all)
	k.token = "unknown"
	k.login("one")
	for value, want := range map[string]int{"one": 5, "two": 1, "three": 0, "": 0} {
		require.Equal(t, want, k.Arrivals(value), value)
	}
}

func TestTheLogPrintsNoSecrets(t *testing.T) {
	t.Parallel()
	k := newBench(t).apply("plain")
	password(k)
	code(k)
	for _, format := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x"} {
		printed := fmt.Sprintf(format+format+format, k.Requests(), k.Secrets(2), k.Secrets(3))
		require.NotContains(t, printed, k.person.Password)
		require.NotContains(t, printed, k.code())
	}
	require.Equal(t, `request 2 `+collectReq+` ""`, fmt.Sprint(k.Requests()[1]))
}

func TestListsAreTheCallers(t *testing.T) {
	t.Parallel()
	k := newBench(t).apply("plain")
	password(k)
	want := k.code()
	k.Requests()[0] = simulator.Arrival{}
	k.Inbox(k.person.Phone)[0] = simulator.Message{}
	simulator.People()[0], simulator.Carriers()[0] = simulator.Person{}, simulator.Carrier{}
	require.Equal(t, 1, k.Requests()[0].Number)
	require.Equal(t, want, k.code())
	require.Equal(t, "plain", simulator.Carriers()[0].Key)
	require.Equal(t, k.person, simulator.People()[0])
}

func TestManyPeopleAtOnceDisturbNobody(t *testing.T) {
	t.Parallel()
	const each = 2 // a third would lock the number at which each types a wrong password once
	b := newBench(t)
	var all sync.WaitGroup
	for key, acts := range flows {
		rounds := each
		if key == "weak-resettable" {
			rounds = 1 // its password is another one afterwards
		}
		all.Go(func() {
			for range rounds {
				k := b.apply(key)
				for _, a := range acts {
					if got := a.do(k); got != a.want {
						t.Errorf("%s: %s, not %s", key, got, a.want)
					}
				}
				b.Requests()
				b.Inbox(k.person.Phone)
			}
		})
	}
	all.Wait()
	requests := b.Requests()
	for i, a := range requests {
		require.Equal(t, i+1, a.Number)
		require.True(t, a.Read)
	}
	require.Equal(t, each*3, b.Arrivals(personAt(t, "beijing").QueryPassword))
}

func TestOfManyClicksOneUsesTheCode(t *testing.T) {
	t.Parallel()
	const clicks = 8
	k := newBench(t).apply("sichuan")
	password(k)
	once := k.code()
	answers := make(chan string, clicks)
	for range clicks {
		go func() { answers <- k.captcha(once) }()
	}
	count := make(map[string]int)
	for range clicks {
		count[<-answers]++
	}
	require.Equal(t, map[string]int{"10001 SUBMIT_CAPTCHA": 1, "10004 SUBMIT_CAPTCHA": clicks - 1}, count)
	require.Equal(t, clicks, k.Arrivals(once))
	require.Equal(t, 2, k.texts())
}

func TestAConditionBreaksOneOfManyRequests(t *testing.T) {
	t.Parallel()
	const requests = 8
	k := newBench(t).apply("plain")
	k.FaultWhen(func(a simulator.Arrival) bool { return a.Type == "RESEND_CAPTCHA" }, simulator.UnseenCode())
	answers := make(chan string, requests)
	for range requests {
		go func() { answers <- k.resend() }()
	}
	count := make(map[string]int)
	for range requests {
		count[<-answers]++
	}
	require.Equal(t, map[string]int{"19999": 1, "30000": requests - 1}, count)
}
