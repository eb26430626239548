package crashproof_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	carrier "github.com/carrierfsm/carrierfsm/budget"
)

// numbers are those of all replicas.
func numbers() carrier.Numbers {
	n, err := carrier.NewNumbers(bytes.Repeat([]byte("n"), 32))
	if err != nil {
		panic(err)
	}
	return n
}

// budgets are those of all replicas, for each number: two people share one for two
// verifications each. A round is shorter than a day.
var budgets = carrier.Limits{Passwords: 5, QueryPasswords: 5, Texts: 14, Applications: 10, Places: 4}

func sharedPhone(person, run int) string { return fmt.Sprintf("139%03d%05d", person/2, (run+1)/2) }

// spent counts what the simulators did for each number.
type spent map[string]map[carrier.Kind]int

// add counts an answer, whether or not it reaches the replica.
func (s spent) add(phone, kind string, answer []byte) {
	var reply struct {
		Data struct {
			Code json.RawMessage `json:"process_code"`
		} `json:"data"`
	}
	_ = json.Unmarshal(answer, &reply)
	counts := s[phone]
	if counts == nil {
		counts = make(map[carrier.Kind]int)
		s[phone] = counts
	}
	switch code := string(bytes.Trim(reply.Data.Code, `"`)); {
	case kind == "apply":
		counts[carrier.Applications]++
	case code == "10003":
		counts[carrier.Passwords]++
	case code == "10023":
		counts[carrier.QueryPasswords]++
	case code == "10001", code == "10002", code == "10006":
		counts[carrier.Texts]++
	}
}

// overBudget returns a violation for each number that was asked for more than its budgets.
func (s spent) overBudget() (list []violation) {
	for phone, counts := range s {
		for kind, n := range counts {
			if most := budgets.Of(kind); n > most {
				list = append(list, violation{exceeded, phone, fmt.Sprintf("%d of %s, the budget is %d", n, kind, most)})
			}
		}
	}
	return list
}

func TestTheJudgeFindsANumberThatWasAskedForMoreThanItsBudget(t *testing.T) {
	t.Parallel()
	s := make(spent)
	reply := func(code string) []byte { return fmt.Appendf(nil, `{"success":true,"data":{"process_code":%s}}`, code) }
	for range budgets.Passwords {
		s.add("13800000000", "password", reply("10003"))
		s.add("13800000000", "captcha", reply(`"10008"`))
		s.add("13800000001", "captcha", reply(`"10003"`))
	}
	for range budgets.Applications {
		s.add("13800000000", "apply", []byte("}{"))
	}
	require.Empty(t, s.overBudget())
	s.add("13800000001", "captcha", reply("10003"))
	s.add("13800000000", "apply", nil)
	require.Len(t, s.overBudget(), 2)
	for range budgets.Texts + 1 {
		s.add("13800000002", "resend_captcha", reply("10002"))
	}
	require.Len(t, s.overBudget(), 3)
}
