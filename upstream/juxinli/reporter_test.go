package juxinli_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/budget"
	"github.com/carrierfsm/carrierfsm/fsmtest"
	"github.com/carrierfsm/carrierfsm/outbox"
	"github.com/carrierfsm/carrierfsm/store/memory"
	"github.com/carrierfsm/carrierfsm/upstream/juxinli"
	"github.com/carrierfsm/carrierfsm/upstream/simulator"
)

func TestTheStateOfAReportIsThatOfItsJob(t *testing.T) {
	t.Parallel()
	for key, after := range map[string]carrierfsm.ReportState{
		"plain": carrierfsm.ReportStateReady, "no-report": carrierfsm.ReportStateFailed,
	} {
		a := newDataFixture(t, key)
		state, err := a.ReportState(t.Context(), a.token)
		require.NoError(t, err)
		require.Equal(t, carrierfsm.ReportStatePending, state)
		a.clock.Advance(30 * time.Second)
		state, err = a.ReportState(t.Context(), a.token)
		require.NoError(t, err)
		require.Equal(t, after, state)
	}
	a := newDataFixture(t, "plain")
	state, err := a.ReportState(t.Context(), carrierfsm.NewSecret("ffffffffffffffffffffffffffffffff"))
	require.NoError(t, err)
	require.Equal(t, carrierfsm.ReportStatePending, state, "upstream does not know the token yet")
	_, err = a.ReportState(t.Context(), carrierfsm.Secret{})
	require.Error(t, err)
}

func TestAJobThatIsDoneIsPendingWhileItsReportIsEmpty(t *testing.T) {
	t.Parallel()
	const job = `{"success":"true","code":30015,"data":{"status":"完成"}}`
	long := `{"success":"true","report_data":{"calls":"` + strings.Repeat("x", 1<<20) + `"}}`
	for answer, want := range map[string]carrierfsm.ReportState{
		`{"success":"false","code":20033,"note":"报告数据为空"}`: carrierfsm.ReportStatePending,
		`{"success":"true","report_data":{}}`:              carrierfsm.ReportStatePending,
		`{"success":"true","report_data":{"a":1}}`:         carrierfsm.ReportStateReady,
		long:                              carrierfsm.ReportStateReady,
		`{"success":"false","code":"19"}`: carrierfsm.ReportStateReady, // the fetch of the report returns the error
	} {
		server := newReportServer(t, job, answer)
		state, err := newData(t, server.URL).ReportState(t.Context(), carrierfsm.NewSecret("t"))
		require.NoError(t, err)
		require.Equal(t, want, state, answer[:min(len(answer), 60)])
	}
}

// newReportServer returns an upstream with one answer for the job and one for the
// report.
func newReportServer(t *testing.T, job, report string) *httptest.Server {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, map[string]string{
			tokenPath: `{"success":"true","access_token":"t"}`, jobPath: job, reportPath: report,
		}[r.URL.Path])
	}))
	t.Cleanup(server.Close)
	return server
}

// unclearJobs are answers from which no state of the job can be read.
var unclearJobs = map[string]string{
	"only the state of the website": `{"success":"true","code":30015,"data":{"details":[{"website":"chinamobilejs","websiteStatus":"RUN_SUCCESS"}]}}`,
	"a state that is not known":     `{"success":"true","code":30015,"data":{"status":"等待"}}`,
	"no data":                       `{"success":"true","code":30015}`,
	"data of another kind":          `{"success":"true","code":30015,"data":[1]}`,
	"the query failed":              `{"success":"false","code":20032,"note":"状态查询失败"}`,
	"an unknown refusal":            `{"success":"false","code":"29999"}`,
	"a refusal without a code":      `{"success":"false","note":"?"}`,
	"not the API's JSON":            `{"status":"完成"}`,
}

func TestAJobWhoseStateIsUnclearIsFollowedByALookAtTheReport(t *testing.T) {
	t.Parallel()
	for name, job := range unclearJobs {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, report := range []string{
				`{"success":"true","report_data":{"a":1}}`,
				`{"success":"true","report_data":{"calls":"` + strings.Repeat("x", 1<<20) + `"}}`,
			} {
				state, err := newData(t, newReportServer(t, job, report).URL).ReportState(t.Context(), carrierfsm.NewSecret("t"))
				require.NoError(t, err)
				require.Equal(t, carrierfsm.ReportStateReady, state)
			}
		})
	}
}

// The same where the query of the job has no answer of the API at all: it is the call
// that the fewest integrations make.
func TestAJobThatCannotBeReadIsFollowedByALookAtTheReport(t *testing.T) {
	t.Parallel()
	for name, job := range map[string]http.HandlerFunc{
		"no such call": http.NotFound,
		"forbidden":    func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusForbidden) },
		"broken":       func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusInternalServerError) },
		"a web page": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/html;charset=utf-8")
			_, _ = io.WriteString(w, "<!doctype html>")
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for report, want := range map[string]carrierfsm.ReportState{
				`{"success":"true","report_data":{"a":1}}`: carrierfsm.ReportStateReady,
				`{"success":"false","code":20033}`:         carrierfsm.ReportStatePending,
			} {
				api := newReportServer(t, "", report)
				mux := http.NewServeMux()
				mux.Handle("/", api.Config.Handler)
				mux.HandleFunc(jobPath, job)
				server := httptest.NewServer(mux)
				t.Cleanup(server.Close)
				data := newData(t, server.URL)
				state, err := data.ReportState(t.Context(), carrierfsm.NewSecret("t"))
				require.NoError(t, err)
				require.Equal(t, want, state)
			}
		})
	}
}

// Without an access token there is nothing to look with.
func TestAnAccessTokenThatCannotBeFetchedIsAnError(t *testing.T) {
	t.Parallel()
	for name, token := range map[string]http.HandlerFunc{
		"no such call": http.NotFound,
		"endless": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			_, _ = io.WriteString(w, strings.Repeat(" ", 1<<16))
		},
	} {
		mux := http.NewServeMux()
		mux.Handle("/", newReportServer(t, "", `{"success":"true","report_data":{"a":1}}`).Config.Handler)
		mux.HandleFunc(tokenPath, token)
		server := httptest.NewServer(mux)
		t.Cleanup(server.Close)
		data := newData(t, server.URL, func(cfg *juxinli.DataConfig) { cfg.MaxBody = 1 << 15 })
		state, err := data.ReportState(t.Context(), carrierfsm.NewSecret("t"))
		require.Error(t, err, name)
		require.Empty(t, state, name)
	}
}

// An unclear job is no reason to believe that a report is there which nobody saw.
func TestAJobWhoseStateIsUnclearIsNotReadyWithoutAReport(t *testing.T) {
	t.Parallel()
	for name, job := range unclearJobs {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, report := range []string{`{"success":"false","code":20033}`, `{"success":"true","report_data":{}}`} {
				state, err := newData(t, newReportServer(t, job, report).URL).ReportState(t.Context(), carrierfsm.NewSecret("t"))
				if err == nil {
					require.Equal(t, carrierfsm.ReportStatePending, state)
				}
			}
			for _, report := range []string{`{"success":"false","code":"19"}`, `{"x":1}`, ``} {
				state, err := newData(t, newReportServer(t, job, report).URL).ReportState(t.Context(), carrierfsm.NewSecret("t"))
				require.Error(t, err, "errors alone never mean that there is none")
				require.Empty(t, state)
			}
		})
	}
}

// The whole flow where the state of the job stands only in its details.
func TestTheReportOfAJobWithItsStateInDetailsIsFound(t *testing.T) {
	t.Parallel()
	for key, fails := range map[string]bool{"plain": false, "no-report": true} {
		clock := fsmtest.NewClock()
		carriers := simulator.Carriers()
		for i := range carriers {
			carriers[i].StateInDetails = true
		}
		sim := simulator.New(simulator.Config{Now: clock.Now, Carriers: carriers, ReportLag: time.Minute})
		server := httptest.NewServer(sim)
		t.Cleanup(server.Close)
		data := newData(t, server.URL, func(cfg *juxinli.DataConfig) { cfg.Now = clock.Now })
		token := complete(t, newClient(t, server.URL), sim, key)
		for range 3 { // being collected, collected, reported
			state, err := data.ReportState(t.Context(), token)
			require.NoError(t, err)
			require.Equal(t, carrierfsm.ReportStatePending, state)
			clock.Advance(30 * time.Second)
		}
		state, err := data.ReportState(t.Context(), token)
		require.NoError(t, err)
		want := carrierfsm.ReportStateReady
		if fails {
			want = carrierfsm.ReportStatePending // nothing readable says that it failed
		}
		require.Equal(t, want, state)
	}
}

// A client that upstream refuses gets no report either.
func TestARefusedClientDoesNotLookAtTheReport(t *testing.T) {
	t.Parallel()
	for code, want := range map[string]error{"20001": juxinli.ErrSecretRefused, "20003": juxinli.ErrFrozen, "20007": juxinli.ErrTokenRefused} {
		server := newCountingServer(t, func(path string, _ int) string {
			if path == tokenPath {
				return `{"success":"true","access_token":"t"}`
			}
			return `{"success":"false","code":` + code + `}`
		})
		_, err := newData(t, server.URL).ReportState(t.Context(), carrierfsm.NewSecret("t"))
		require.ErrorIs(t, err, want)
		require.Zero(t, server.requests(reportPath))
	}
}

// The report of a job that is running may belong to an earlier source.
func TestTheReportOfARunningJobIsNotLookedAt(t *testing.T) {
	t.Parallel()
	server := newReportServer(t, `{"success":"true","code":30015,"data":{"status":"抓取中"}}`, `{"success":"true","report_data":{"a":1}}`)
	state, err := newData(t, server.URL).ReportState(t.Context(), carrierfsm.NewSecret("t"))
	require.NoError(t, err)
	require.Equal(t, carrierfsm.ReportStatePending, state)
}

// A machine that never reads a state of the job still finds the report, at once and
// not after a day.
func TestAMachineFindsTheReportOfAnUnclearJob(t *testing.T) {
	t.Parallel()
	data := newData(t, newReportServer(t, unclearJobs["only the state of the website"], `{"success":"true","report_data":{"a":1}}`).URL)
	bench := fsmtest.NewWith(t, carrierfsm.Config{Reporter: data})
	bench.Reach("10008")
	bench.Clock.Advance(time.Minute)
	bench.Settle()
	require.Equal(t, carrierfsm.ReportReady, bench.Get().Reason)
}

// The machine, this client and the simulator together.
func TestHandlersReceiveReportReady(t *testing.T) {
	t.Parallel()
	a := newDataFixture(t, "plain")
	ctx := context.Background()
	store := memory.New()
	now := time.Now()
	var events []carrierfsm.Event
	m, err := carrierfsm.New(carrierfsm.Config{
		Numbers: budget.None(),
		Store:   store, Upstream: fixedTokenUpstream(a.token), Reporter: a.Data, Now: func() time.Time { return now },
	})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, m.Close(ctx)) })
	v, err := m.Create(ctx, carrierfsm.NewVerification{})
	require.NoError(t, err)
	v, err = m.Submit(ctx, v.ID, carrierfsm.Apply{
		Form:    carrierfsm.Form{Name: carrierfsm.NewSecret("测试用户"), IDCard: carrierfsm.NewSecret("11010119900307889X"), Phone: carrierfsm.NewSecret("13800138000")},
		Consent: carrierfsm.Consent{Policy: "test-1", At: now, Channel: "test"},
	})
	require.NoError(t, err)
	v, err = m.Submit(ctx, v.ID, carrierfsm.Password{Step: v.Step, Password: carrierfsm.NewSecret("246810")})
	require.NoError(t, err)
	require.Equal(t, carrierfsm.Done, v.State)
	for range 3 {
		now = now.Add(time.Minute)
		_, err = m.Settle(ctx)
		require.NoError(t, err)
		a.clock.Advance(20 * time.Second)
	}
	d, err := outbox.New(m, store, outbox.Config{
		Handlers: map[string]outbox.Handler{"notify": func(_ context.Context, t carrierfsm.Transition) error {
			events = append(events, t.Event)
			return nil
		}},
		Starts:  map[string]outbox.Start{"notify": outbox.FromBeginning},
		Workers: 1,
	})
	require.NoError(t, err)
	_, err = d.Deliver(ctx)
	require.NoError(t, err)
	require.Equal(t, carrierfsm.ReportReady, events[len(events)-1])
	v, err = m.Get(ctx, v.ID)
	require.NoError(t, err)
	require.Equal(t, carrierfsm.Done, v.State)
	report, err := a.Report(ctx, v.Token)
	require.NoError(t, err)
	require.NotEmpty(t, report.JSON())
}

// fixedTokenUpstream completes every verification at once, with its token.
type fixedTokenUpstream carrierfsm.Secret

func (u fixedTokenUpstream) Apply(context.Context, carrierfsm.Application) (carrierfsm.Receipt, error) {
	return carrierfsm.Receipt{
		Accepted: true, Token: carrierfsm.Secret(u), Source: carrierfsm.Source{Website: "chinamobilejs", Online: true},
	}, nil
}

func (fixedTokenUpstream) Collect(context.Context, carrierfsm.Request) (carrierfsm.Reply, error) {
	return carrierfsm.Reply{Success: true, Code: "10008", Finish: true}, nil
}
