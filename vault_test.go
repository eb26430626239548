package carrierfsm_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm"
)

// Where the service password is, between the moment it is typed and the code
// that travels with it.

func sealer(t testing.TB) carrierfsm.Sealer {
	t.Helper()
	s, err := carrierfsm.NewSealer(carrierfsm.SealKey{ID: "test", Key: carrierfsm.NewSecret("0123456789abcdef0123456789abcdef")})
	require.NoError(t, err)
	return s
}

func withSealer(t *testing.T) func(*carrierfsm.Config) {
	t.Helper()
	s := sealer(t)
	return func(c *carrierfsm.Config) { c.Sealer = s }
}

func TestThePasswordTravelsWithItsCodesAndNoFurther(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	v := b.at("10002", "10004")
	b.up.then(reply("10022"), reply("10023"), reply("10001"), reply("10008"))
	v = b.must(b.captcha(v, "500001"))
	for _, query := range []string{"135790", "135791"} {
		v = b.must(b.Submit(context.Background(), b.id, carrierfsm.QueryPassword{Step: v.Step, Password: carrierfsm.NewSecret(query)}))
	}
	v = b.must(b.captcha(v, "500002"))
	require.Equal(t, carrierfsm.Done, v.State)
	require.Equal(t, 6, b.up.arrived("246810"), "once as the answer, once with each code and query password")
	for _, r := range b.up.requests {
		require.True(t, r.Password.Empty() && r.Captcha.Empty() && r.QueryPassword.Empty(), "secrets are destroyed after the call")
	}
}

func TestAResendCarriesNoPassword(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		v := b.at("10002")
		time.Sleep(time.Minute) //nolint:forbidigo // fake time
		v = b.must(b.Submit(context.Background(), b.id, carrierfsm.ResendCaptcha{Step: v.Step}))
		require.Equal(t, 1, b.up.arrived("246810"))
		b.up.then(reply("10008"))
		b.must(b.captcha(v, "500001"))
		require.Equal(t, 2, b.up.arrived("246810"), "it was held for the code all the same")
	})
}

func TestACodeWithoutItsPasswordIsRefusedBeforeTheIntent(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	v := b.at("10002")
	restarted := b.another()
	current, err := restarted.Submit(context.Background(), b.id, captchaOf(v, "500001"))
	require.ErrorIs(t, err, carrierfsm.ErrPasswordNeeded)
	require.Equal(t, 3, current.Prompt.AttemptsLeft)
	require.Zero(t, b.up.arrived("500001"))
	require.False(t, b.get().InFlight)
}

func TestAPasswordTypedAgainBesideACodeCountsAsOne(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	v := b.at("10002")
	restarted := b.another()
	input := captchaOf(v, "500001")
	input.Password = carrierfsm.NewSecret("246811")
	b.up.then(reply("10003"))
	v = b.must(restarted.Submit(context.Background(), b.id, input))
	require.Equal(t, carrierfsm.AttemptsExhausted, v.Reason, "two passwords is the limit")
	require.Equal(t, 1, b.up.arrived("246811"))
}

func TestCaptchaWithoutPasswordSendsTheCodeAlone(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	v := b.at("10002")
	other := b.another(func(c *carrierfsm.Config) { c.CaptchaWithoutPassword = true })
	b.up.then(reply("10008"))
	v = b.must(other.Submit(context.Background(), b.id, captchaOf(v, "500001")))
	require.Equal(t, carrierfsm.Done, v.State)
	require.Equal(t, 1, b.up.arrived("246810"))
}

func TestACarryTakesThePasswordToAnotherReplica(t *testing.T) {
	t.Parallel()
	b := newBench(t, withSealer(t))
	v := b.at("10002")
	carry := v.Prompt.Carry
	require.NotEmpty(t, carry)
	require.NotContains(t, carry, "246810")
	require.Empty(t, b.get().Prompt.Carry, "only the answer has it")

	other := b.another()
	input := captchaOf(v, "500001")
	input.Carry = carry
	b.up.then(reply("10004"))
	v = b.must(other.Submit(context.Background(), b.id, input))
	require.Equal(t, 2, b.up.arrived("246810"))

	third := b.another()
	input = captchaOf(v, "500002")
	input.Carry = carry // the older one still opens: it is the same password
	b.up.then(reply("10008"))
	v = b.must(third.Submit(context.Background(), b.id, input))
	require.Equal(t, carrierfsm.Done, v.State)
}

func TestACarryOpensOnlyWhereAndWhileItBelongs(t *testing.T) {
	t.Parallel()
	cases := []struct {
		rule  string
		spoil func(b *bench, carry string) (carrierfsm.Verification, string)
	}{
		{"not with a bit changed", func(b *bench, carry string) (carrierfsm.Verification, string) {
			changed := []byte(carry)
			changed[len(changed)/2] ^= 1
			return b.get(), string(changed)
		}},
		{"not as garbage", func(b *bench, _ string) (carrierfsm.Verification, string) {
			return b.get(), "not a carry"
		}},
		{"not for a password that was rejected since", func(b *bench, carry string) (carrierfsm.Verification, string) {
			b.up.then(reply("10003"), reply("10002"))
			v := b.must(b.captcha(b.get(), "500001"))
			return b.must(b.password(v, "246812")), carry
		}},
	}
	for _, c := range cases {
		t.Run(c.rule, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, withSealer(t))
			v, carry := c.spoil(b, b.at("10002").Prompt.Carry)
			input := captchaOf(v, "500009")
			input.Carry = carry
			_, err := b.another().Submit(context.Background(), b.id, input)
			require.ErrorIs(t, err, carrierfsm.ErrPasswordNeeded)
			require.Zero(t, b.up.arrived("500009"))
		})
	}
}

func TestACarryOpensForItsOwnVerificationOnly(t *testing.T) {
	t.Parallel()
	b := newBench(t, withSealer(t))
	carry := b.at("10002").Prompt.Carry
	b.id = b.must(b.Create(context.Background(), carrierfsm.NewVerification{ID: "v2"})).ID
	input := captchaOf(b.at("10002"), "500009")
	input.Carry = carry
	_, err := b.another().Submit(context.Background(), b.id, input)
	require.ErrorIs(t, err, carrierfsm.ErrPasswordNeeded)
}

func TestACarryIsGoodUntilItsDeadline(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, withSealer(t), func(c *carrierfsm.Config) {
			c.Limits = carrierfsm.Limits{CodeLife: time.Hour, IdleLife: 10 * time.Minute, Life: 2 * time.Hour}
		})
		v := b.at("10002")
		longer := b.another(func(c *carrierfsm.Config) { c.Limits.IdleLife = time.Hour })
		time.Sleep(61 * time.Second) //nolint:forbidigo // fake time
		resent, err := longer.Submit(context.Background(), b.id, carrierfsm.ResendCaptcha{Step: v.Step})
		require.NoError(t, err)
		time.Sleep(10 * time.Minute) //nolint:forbidigo // fake time
		input := captchaOf(resent, "500001")
		input.Carry = v.Prompt.Carry
		_, err = longer.Submit(context.Background(), b.id, input)
		require.ErrorIs(t, err, carrierfsm.ErrPasswordNeeded)
	})
}

func TestAPasswordThatWasReplacedOnAnotherReplicaIsNotUsed(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	v := b.at("10002") // this machine holds the first password
	other := b.another(func(c *carrierfsm.Config) { c.CaptchaWithoutPassword = true })
	b.up.then(reply("10003"), reply("10002"))
	v = b.must(other.Submit(context.Background(), b.id, captchaOf(v, "500001")))
	v = b.must(other.Submit(context.Background(), b.id, carrierfsm.Password{Step: v.Step, Password: carrierfsm.NewSecret("246812")}))
	_, err := b.captcha(v, "500002")
	require.ErrorIs(t, err, carrierfsm.ErrPasswordNeeded)
	require.Equal(t, 1, b.up.arrived("246810"))
}

func TestAHeldPasswordIsDestroyedAtItsDeadline(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, func(c *carrierfsm.Config) { c.Limits.CodeLife = time.Hour })
		v := b.at("10002")
		longer := b.another(func(c *carrierfsm.Config) { c.Limits.IdleLife = time.Hour })
		time.Sleep(9 * time.Minute) //nolint:forbidigo // fake time
		_, err := longer.Submit(context.Background(), b.id, carrierfsm.ResendCaptcha{Step: v.Step})
		require.NoError(t, err)
		time.Sleep(2 * time.Minute) //nolint:forbidigo // fake time
		_, err = b.captcha(b.get(), "500001")
		require.ErrorIs(t, err, carrierfsm.ErrPasswordNeeded, "the first machine held it for ten minutes")
	})
}

func TestEachOfSeveralHeldPasswordsIsDestroyedAtItsOwnDeadline(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx := context.Background()
		b := newBench(t) // ten minutes each
		held := func(id string) {
			_, err := b.Create(ctx, carrierfsm.NewVerification{ID: id})
			require.NoError(t, err)
			v, err := b.Submit(ctx, id, application(0))
			require.NoError(t, err)
			b.up.then(reply("10002"))
			_, err = b.Submit(ctx, id, carrierfsm.Password{Step: v.Step, Password: carrierfsm.NewSecret("246810")})
			require.NoError(t, err)
		}
		held("first")
		pass(4 * time.Minute)
		held("second")
		pass(4 * time.Minute)
		held("third")
		require.Equal(t, 3, b.Held())
		_, err := b.Submit(ctx, "first", carrierfsm.Cancel{})
		require.NoError(t, err)
		require.Equal(t, 2, b.Held(), "dropped")
		pass(6*time.Minute - time.Second)
		require.Equal(t, 2, b.Held())
		pass(2 * time.Second)
		require.Equal(t, 1, b.Held(), "the second's time is over")
		pass(4 * time.Minute)
		require.Zero(t, b.Held(), "and the third's")
	})
}

func TestAPasswordThatIsHeldLaterMayEndSooner(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx := context.Background()
		b := newBench(t, func(c *carrierfsm.Config) { c.Limits.IdleLife, c.Limits.Life = 10*time.Minute, 12*time.Minute })
		pass(8 * time.Minute)
		_, err := b.Create(ctx, carrierfsm.NewVerification{ID: "young"})
		require.NoError(t, err)
		v, err := b.Submit(ctx, "young", application(0))
		require.NoError(t, err)
		b.up.then(reply("10002"))
		_, err = b.Submit(ctx, "young", carrierfsm.Password{Step: v.Step, Password: carrierfsm.NewSecret("246810")})
		require.NoError(t, err)
		b.at("10002") // the old one, with four minutes left
		require.Equal(t, 2, b.Held())
		pass(4*time.Minute + time.Second)
		require.Equal(t, 1, b.Held())
	})
}

func TestAPasswordIsNotHeldForAnotherSource(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	v := b.at("10002")
	next := reply("10008")
	next.Next = &carrierfsm.Source{Website: "chinaunicom", Name: "中国联通", Online: true}
	b.up.then(next, reply("10002"), reply("10008"))
	v = b.must(b.captcha(v, "500001"))
	require.Equal(t, carrierfsm.PromptPassword, v.Prompt.Kind)
	require.Equal(t, "chinaunicom", v.Source.Website)
	require.Equal(t, 2, v.Prompt.AttemptsLeft, "attempts begin anew")
	v = b.must(b.password(v, "864200"))
	v = b.must(b.captcha(v, "500002"))
	require.Equal(t, carrierfsm.Done, v.State)
	require.Equal(t, 2, b.up.arrived("246810"))
	require.Equal(t, 2, b.up.arrived("864200"))
}

func TestTheSecretsOfARefusedInputAreDestroyed(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	v := b.at("10002")
	for _, step := range []int{0, v.Step - 1, v.Step + 1} {
		secret := carrierfsm.NewSecret("500001")
		_, err := b.Submit(context.Background(), b.id, carrierfsm.Captcha{Step: step, Code: secret})
		require.Error(t, err)
		require.True(t, secret.Empty(), "step %d", step)
	}
}

func TestTheTokenIsToldOnceItIsOfUse(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	v := b.at("10002")
	require.True(t, v.Token.Empty())
	b.up.then(reply("10008"))
	v = b.must(b.captcha(v, "500001"))
	v.Token.Use(func(value []byte) { require.Equal(t, token, string(value)) })
}
