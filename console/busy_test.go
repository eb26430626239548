package console_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/budget"
	"github.com/carrierfsm/carrierfsm/fsmtest"
	"github.com/carrierfsm/carrierfsm/outbox"
	"github.com/carrierfsm/carrierfsm/store/memory"
	"github.com/carrierfsm/carrierfsm/store/seal"
)

// hostileText is a text of upstream with markup in it.
const hostileText = `短信验证码错误 <script>alert("x")</script>&amp;<img src=x onerror=alert(1)>`

// newBusyFixture returns a fixture with many verifications of several carriers
// in all states, two handlers of which one fails, an unknown outcome, one that
// is overdue, and one that can't be opened. person-with-a-long-way has a long
// history.
func newBusyFixture(t *testing.T) *fixture {
	t.Helper()
	ctx := context.Background()
	store := memory.New()
	s := newFixture(t, carrierfsm.Config{Store: store})
	s.setHandlers(map[string]outbox.Handler{
		"ledger": func(context.Context, carrierfsm.Transition) error { return nil },
		"notify": func(_ context.Context, t carrierfsm.Transition) error {
			if t.ID == "v1" || t.Event == carrierfsm.Canceled {
				return errors.New("the mail server is away")
			}
			return nil
		},
	})
	sealer, err := seal.New(seal.Key{ID: "k1", Key: carrierfsm.NewSecret("0123456789abcdef0123456789abcdef")})
	require.NoError(t, err)
	other, err := carrierfsm.New(carrierfsm.Config{Numbers: budget.None(), Store: store, Upstream: s.Upstream, Now: s.Clock.Now, Sealer: sealer})
	require.NoError(t, err)
	_, err = other.Create(ctx, carrierfsm.NewVerification{ID: "sealed-by-another"})
	require.NoError(t, err)
	for i := range 70 {
		s.run(fmt.Sprintf("person-%02d", i), i)
		s.Clock.Advance(11 * time.Minute)
		_, err := s.Machine.Settle(ctx)
		require.Equal(t, i >= 2, err != nil, "the sealed one, once it is due")
	}
	s.ID = "late"
	s.addVerification("late")
	s.Clock.Advance(8 * time.Minute) // it is due in two minutes
	s.ID = "in-doubt"
	s.Upstream.Then(fsmtest.Accept("chinaunicom"), fsmtest.Code("10002"), fsmtest.Lost())
	s.addVerification("in-doubt")
	s.must(s.Password("246810"))
	s.Clock.Advance(20 * time.Second)
	s.must(s.Captcha("500001"))
	s.ID = "v1"
	s.runLong()
	_, err = s.handlers.Deliver(ctx)
	require.Error(t, err)
	s.Clock.Advance(4 * time.Minute)
	return s
}

func (s *fixture) must(v carrierfsm.Verification, err error) carrierfsm.Verification {
	s.t.Helper()
	require.NoError(s.t, err)
	return v
}

// run plays one person's verification; n chooses how it goes.
func (s *fixture) run(id string, n int) {
	s.t.Helper()
	s.ID = id
	carrier := []string{"chinamobilejs", "chinamobilegd", "chinaunicom", "chinatelecom"}[n%4]
	s.must(s.Machine.Create(context.Background(), carrierfsm.NewVerification{ID: id}))
	if n%9 == 8 {
		return // no form is submitted
	}
	s.Clock.Advance(time.Duration(20+n) * time.Second)
	s.Upstream.Then(fsmtest.Accept(carrier))
	s.must(s.Apply())
	s.Clock.Advance(time.Duration(30+3*n) * time.Second)
	switch n % 7 {
	case 5:
		s.must(s.Cancel())
		return
	case 6:
		s.Upstream.Then(fsmtest.Code("10003"), fsmtest.Code("10003"))
		s.must(s.Password("111111"))
		s.must(s.Password("222222"))
		return
	}
	s.Upstream.Then(fsmtest.Code("10002"))
	s.must(s.Password("246810"))
	s.Clock.Advance(time.Duration(15+n) * time.Second)
	if n%10 == 4 {
		return // no code is submitted
	}
	s.Upstream.Then(fsmtest.Code("10008"))
	s.must(s.Captcha("500001"))
}

// runLong plays a verification with many steps.
func (s *fixture) runLong() {
	s.t.Helper()
	s.must(s.Machine.Create(context.Background(), carrierfsm.NewVerification{ID: "person-with-a-long-way"}))
	s.ID = "person-with-a-long-way"
	wait := func(v carrierfsm.Verification, err error) {
		s.must(v, err)
		s.Clock.Advance(23 * time.Second)
	}
	s.Upstream.Then(
		fsmtest.Refuse("姓名与身份证不符"), fsmtest.Accept("chinamobilejs"), fsmtest.Code("10003"), fsmtest.Code("10002"),
		fsmtest.Reply(carrierfsm.Reply{Success: true, Code: "10004", Type: "CONTROL", Content: carrierfsm.NewSecret(hostileText)}),
		fsmtest.Next("chinamobilegd"), fsmtest.Code("10001"), fsmtest.Code("10004"),
	)
	wait(s.Apply())
	wait(s.Apply())
	wait(s.Password("111111"))
	wait(s.Password("246810"))
	wait(s.Captcha("500001"))
	wait(s.Captcha("500002"))
	wait(s.Password("246810"))
	wait(s.Captcha("500003"))
}
