package simulator_test

import (
	"fmt"
	"regexp"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm/upstream/simulator"
)

// transaction returns the one transaction of the raw data.
func (r *run) transaction() fields {
	r.t.Helper()
	answer := r.get(rawData, "client_secret", clientSecret, "access_token", r.accessToken("24"), "token", r.token)
	list := answer["raw_data"].(fields)["members"].(fields)["transactions"].([]any)
	require.Len(r.t, list, 1)
	return list[0].(fields)
}

func TestRawDataHaveCallsMessagesAndBills(t *testing.T) {
	t.Parallel()
	r := newFixture(t).apply("plain")
	collected(r)
	got := r.transaction()
	require.Equal(t, "chinamobilejs", got["datasource"])
	require.Equal(t, r.token, got["token"])
	require.Empty(t, cmp.Diff(fields{
		"cell_phone": "13800138000", "real_name": "测试用户", "idcard": r.person.IDCard,
		"reg_time": "2014-05-13 16:53:20", "update_time": got["update_time"],
	}, got["basic"]))
	end, err := time.Parse(time.DateTime, got["update_time"].(string))
	require.NoError(t, err)
	invented := regexp.MustCompile("^138001380[2-7][0-9]$")
	for list, count := range map[string]int{"calls": 48, "smses": 24} {
		records := got[list].([]any)
		require.Len(t, records, count)
		last, directions := end, make(map[any]bool)
		for _, v := range records {
			record := v.(fields)
			require.Equal(t, "13800138000", record["cell_phone"])
			require.Regexp(t, invented, record["other_cell_phone"])
			require.NotEmpty(t, record["place"])
			at, err := time.Parse(time.DateTime, record["start_time"].(string))
			require.NoError(t, err)
			require.False(t, at.After(last), "newest first")
			require.True(t, at.After(end.AddDate(0, -7, 0)))
			require.Equal(t, list == "calls", record["use_time"] != nil)
			last, directions[record["init_type"]] = at, true
		}
		require.Len(t, directions, 2, "both directions occur")
	}
	bills := got["transactions"].([]any)
	require.Len(t, bills, 6)
	for i, v := range bills {
		bill := v.(fields)
		month := time.Date(end.Year(), end.Month(), 1, 0, 0, 0, 0, time.UTC).AddDate(0, -1-i, 0)
		require.Equal(t, month.Format(time.DateTime), bill["bill_cycle"])
		require.Equal(t, bill["total_amt"], bill["pay_amt"])
		require.GreaterOrEqual(t, bill["total_amt"], bill["plan_amt"])
	}
}

func TestTheReportCountsTheRecordsOfTheRawData(t *testing.T) {
	t.Parallel()
	r := newFixture(t).apply("plain")
	collected(r)
	raw := r.transaction()
	answer := r.get(reportData, "client_secret", clientSecret, "access_token", r.accessToken("24"), "token", r.token)
	behavior := answer["report_data"].(fields)["cell_behavior"].([]any)[0].(fields)
	require.Equal(t, "13800138000", behavior["phone_num"])
	months := behavior["behavior"].([]any)
	require.Len(t, months, 6)
	for i, v := range months {
		month := v.(fields)
		name := month["cell_mth"].(string)
		want := fields{"call_cnt": 0.0, "call_out_cnt": 0.0, "call_in_cnt": 0.0, "call_time": 0.0, "sms_cnt": 0.0}
		for _, c := range raw["calls"].([]any) {
			call := c.(fields)
			if call["start_time"].(string)[:len(name)] != name {
				continue
			}
			direction := "call_in_cnt"
			if call["init_type"] == "主叫" {
				direction = "call_out_cnt"
			}
			want["call_cnt"], want[direction] = want["call_cnt"].(float64)+1, want[direction].(float64)+1
			want["call_time"] = want["call_time"].(float64) + call["use_time"].(float64)
		}
		amount := 58.0
		for _, list := range []string{"calls", "smses"} {
			for _, v := range raw[list].([]any) {
				if record := v.(fields); record["start_time"].(string)[:len(name)] == name {
					amount += record["subtotal"].(float64)
					if list == "smses" {
						want["sms_cnt"] = want["sms_cnt"].(float64) + 1
					}
				}
			}
		}
		for field, value := range want {
			require.Equal(t, value, month[field], "%s of %s", field, name)
		}
		require.InDelta(t, amount, month["total_amount"], 0.001)
		require.Equal(t, month["total_amount"], raw["transactions"].([]any)[i].(fields)["total_amt"])
	}
}

func TestRecordsFollowFromTheSeedAndTheToken(t *testing.T) {
	t.Parallel()
	of := func(seed string, applications int) string {
		f := newFixtureWith(t, simulator.Config{Seed: seed})
		var r *run
		for range applications {
			r = f.apply("plain")
		}
		collected(r)
		return fmt.Sprint(r.transaction()["calls"])
	}
	require.Equal(t, of("one", 1), of("one", 1))
	require.NotEqual(t, of("one", 1), of("one", 2))
	require.NotEqual(t, of("one", 1), of("another", 1))
}

func TestRecordsAreTheSameAfterARestore(t *testing.T) {
	t.Parallel()
	r := newFixture(t).apply("plain")
	collected(r)
	require.Empty(t, cmp.Diff(r.transaction(), r.restored().transaction()))
}

// Of several applications of a person, the calls by person take the one that was
// collected last.
func TestAReportByPersonIsTheLatest(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	first, second, third := f.apply("plain"), f.apply("plain"), f.apply("plain")
	for _, r := range []*run{second, first} {
		collected(r)
	}
	password(third)
	code(third) // still being collected
	p := first.person
	answer := f.get("/api/access_report_data", "client_secret", clientSecret, "access_token", f.accessToken("24"),
		"name", p.Name, "idcard", p.IDCard, "phone", p.Phone)
	require.Equal(t, first.token, answer["report_data"].(fields)["report"].(fields)["token"])
}

// A later application that collected nothing does not hide the report of an earlier
// one.
func TestAReportByPersonIsNotThatOfAFailedCollection(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	good, skipped := f.apply("plain"), f.apply("plain")
	collected(good)
	skip(skipped)
	f.advance(time.Minute)
	p := good.person
	answer := f.get("/api/access_report_data", "client_secret", clientSecret, "access_token", f.accessToken("24"),
		"name", p.Name, "idcard", p.IDCard, "phone", p.Phone)
	require.Equal(t, good.token, answer["report_data"].(fields)["report"].(fields)["token"])
}

func TestATokenForAnHourExpiresAfterIt(t *testing.T) {
	t.Parallel()
	r := newFixture(t).complete("plain")
	hour, day := r.accessToken("1"), r.accessToken("24")
	r.advance(time.Hour - 1)
	require.Equal(t, "完成", r.dataCall(jobStatus, hour, r.token))
	moved := r.restored()
	r.advance(1)
	moved.advance(1)
	for _, r := range []*run{r, moved} {
		require.Equal(t, "20007", r.dataCall(jobStatus, hour, r.token))
		require.Equal(t, "完成", r.dataCall(jobStatus, day, r.token))
	}
}
