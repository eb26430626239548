package carrierfsm_test

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/fsmtest"
)

// The service password is held until the code that is sent with it.

func TestThePasswordTravelsWithItsCodesAndNoFurther(t *testing.T) {
	t.Parallel()
	b := fsmtest.New(t)
	b.Reach()
	var requests []carrierfsm.Request
	for _, code := range []carrierfsm.ProcessCode{"10002", "10004", "10022", "10023", "10001", "10008"} {
		b.Upstream.Then(fsmtest.Func(func(_ context.Context, r carrierfsm.Request) (carrierfsm.Reply, error) {
			requests = append(requests, r)
			return carrierfsm.Reply{Success: true, Code: code}, nil
		}))
	}
	b.Must(b.Password("246810"))
	b.Must(b.Captcha("500000"))
	b.Must(b.Captcha("500001"))
	b.Must(b.QueryPassword("135790"))
	b.Must(b.QueryPassword("135791"))
	require.Equal(t, carrierfsm.Done, b.Must(b.Captcha("500002")).State)
	require.Equal(t, 6, b.Upstream.Arrivals("246810"), "once as the answer, once with each code and query password")
	require.Len(t, requests, 6)
	for _, r := range requests {
		require.True(t, r.Password.Empty() && r.Captcha.Empty() && r.QueryPassword.Empty(), "secrets are destroyed after the call")
	}
}

func TestAResendCarriesNoPassword(t *testing.T) {
	t.Parallel()
	b := fsmtest.New(t)
	b.Reach("10002")
	b.Clock.Advance(time.Minute)
	b.Upstream.Then(fsmtest.Code("10002"), fsmtest.Code("10008"))
	b.Must(b.Resend())
	require.Equal(t, 1, b.Upstream.Arrivals("246810"))
	b.Must(b.Captcha("500001"))
	require.Equal(t, 2, b.Upstream.Arrivals("246810"), "it is still held for the code")
}

func TestACodeWithoutItsPasswordIsRefusedBeforeTheIntent(t *testing.T) {
	t.Parallel()
	b := fsmtest.New(t)
	b.Reach("10002")
	current, err := b.Replica().Captcha("500001")
	require.ErrorIs(t, err, carrierfsm.ErrPasswordNeeded)
	require.Equal(t, 3, current.Prompt.AttemptsLeft)
	require.Zero(t, b.Upstream.Arrivals("500001"))
	require.False(t, b.Get().InFlight)
}

func TestAPasswordTypedAgainBesideACodeCountsAsOne(t *testing.T) {
	t.Parallel()
	b := fsmtest.New(t)
	v := b.Reach("10002")
	restarted := b.Replica()
	input := captcha(v, "500001")
	input.Password = carrierfsm.NewSecret("246811")
	b.Upstream.Then(fsmtest.Code("10003"))
	v = b.Must(restarted.Submit(input))
	require.Equal(t, carrierfsm.AttemptsExhausted, v.Reason, "two passwords is the limit")
	require.Equal(t, 1, b.Upstream.Arrivals("246811"))
}

func TestCaptchaWithoutPasswordSendsTheCodeAlone(t *testing.T) {
	t.Parallel()
	b := fsmtest.New(t)
	b.Reach("10002")
	other := b.Replica(func(c *carrierfsm.Config) { c.CaptchaWithoutPassword = true })
	b.Upstream.Then(fsmtest.Code("10008"))
	require.Equal(t, carrierfsm.Done, b.Must(other.Captcha("500001")).State)
	require.Equal(t, 1, b.Upstream.Arrivals("246810"))
}

func TestACarryTakesThePasswordToAnotherReplica(t *testing.T) {
	t.Parallel()
	b := fsmtest.NewWith(t, carrierfsm.Config{Sealer: sealer(t)})
	v := b.Reach("10002")
	carry := fsmtest.Reveal(v.Prompt.Carry)
	require.NotEmpty(t, carry)
	require.NotContains(t, carry, "246810")
	require.True(t, b.Get().Prompt.Carry.Empty(), "only the answer has it")

	other := b.Replica()
	input := captcha(v, "500001")
	input.Carry = carrierfsm.NewSecret(carry)
	b.Upstream.Then(fsmtest.Code("10004"))
	v = b.Must(other.Submit(input))
	require.Equal(t, 2, b.Upstream.Arrivals("246810"))

	third := b.Replica()
	input = captcha(v, "500002")
	input.Carry = carrierfsm.NewSecret(carry) // the older one is still valid: it is the same password
	b.Upstream.Then(fsmtest.Code("10008"))
	v = b.Must(third.Submit(input))
	require.Equal(t, carrierfsm.Done, v.State)
}

func TestACarryOpensOnlyWhereAndWhileItBelongs(t *testing.T) {
	t.Parallel()
	cases := []struct {
		rule  string
		spoil func(b *fsmtest.Bench, carry string) (carrierfsm.Verification, string)
	}{
		{"not with a bit changed", func(b *fsmtest.Bench, carry string) (carrierfsm.Verification, string) {
			changed := []byte(carry)
			changed[len(changed)/2] ^= 1
			return b.Get(), string(changed)
		}},
		{"not as garbage", func(b *fsmtest.Bench, _ string) (carrierfsm.Verification, string) {
			return b.Get(), "not a carry"
		}},
		{"not for a password that was rejected since", func(b *fsmtest.Bench, carry string) (carrierfsm.Verification, string) {
			b.Upstream.Then(fsmtest.Code("10003"), fsmtest.Code("10002"))
			b.Must(b.Captcha("500001"))
			return b.Must(b.Password("246812")), carry
		}},
	}
	for _, c := range cases {
		t.Run(c.rule, func(t *testing.T) {
			t.Parallel()
			b := fsmtest.NewWith(t, carrierfsm.Config{Sealer: sealer(t)})
			v, carry := c.spoil(b, fsmtest.Reveal(b.Reach("10002").Prompt.Carry))
			input := captcha(v, "500009")
			input.Carry = carrierfsm.NewSecret(carry)
			_, err := b.Replica().Submit(input)
			require.ErrorIs(t, err, carrierfsm.ErrPasswordNeeded)
			require.Zero(t, b.Upstream.Arrivals("500009"))
		})
	}
}

func TestACarryOpensForItsOwnVerificationOnly(t *testing.T) {
	t.Parallel()
	b := fsmtest.NewWith(t, carrierfsm.Config{Sealer: sealer(t)})
	carry := b.Reach("10002").Prompt.Carry
	other := b.Create(carrierfsm.NewVerification{ID: "v2"})
	input := captcha(other.Reach("10002"), "500009")
	input.Carry = carry
	_, err := other.Replica().Submit(input)
	require.ErrorIs(t, err, carrierfsm.ErrPasswordNeeded)
}

func TestACarryOpensInItsOwnDeploymentOnly(t *testing.T) {
	t.Parallel()
	cfg := carrierfsm.Config{Sealer: sealer(t), Deployment: "live"}
	live := fsmtest.NewWith(t, cfg)
	carry := live.Reach("10002").Prompt.Carry
	cfg.Deployment = "test"
	other := fsmtest.NewWith(t, cfg)
	input := captcha(other.Reach("10002"), "500009")
	input.Carry = carry
	_, err := other.Replica().Submit(input)
	require.ErrorIs(t, err, carrierfsm.ErrPasswordNeeded)
}

func TestTheLengthOfACarrySaysNothingOfThePassword(t *testing.T) {
	t.Parallel()
	lengths := make(map[int]bool)
	for _, password := range []string{"2", "246810", strings.Repeat("2", 128)} {
		b := fsmtest.NewWith(t, carrierfsm.Config{Sealer: sealer(t)})
		b.Reach()
		b.Upstream.Then(fsmtest.Code("10002"), fsmtest.Code("10008"))
		v := b.Must(b.Password(password))
		lengths[len(fsmtest.Reveal(v.Prompt.Carry))] = true
		input := captcha(v, "500001")
		input.Carry = v.Prompt.Carry
		b.Must(b.Replica().Submit(input))
		require.Equal(t, 2, b.Upstream.Arrivals(password), "it is the same password")
	}
	require.Len(t, lengths, 1)
}

func TestAnotherKeyIsAskedForInTime(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	b := fsmtest.NewWith(t, carrierfsm.Config{Sealer: sealer(t), Logger: slog.New(slog.NewTextHandler(&log, nil))})
	b.Machine.CountSeals(1<<31 - 3)
	b.Must(b.Apply())
	require.Contains(t, log.String(), "new key")
}

func TestACarryIsGoodUntilItsDeadline(t *testing.T) {
	t.Parallel()
	b := fsmtest.NewWith(t, carrierfsm.Config{
		Sealer: sealer(t),
		Limits: carrierfsm.Limits{CodeLife: time.Hour, IdleLife: 10 * time.Minute, Life: 2 * time.Hour},
	})
	v := b.Reach("10002")
	longer := b.Replica(func(c *carrierfsm.Config) { c.Limits.IdleLife = time.Hour })
	b.Clock.Advance(61 * time.Second)
	b.Upstream.Then(fsmtest.Code("10002"))
	input := captcha(b.Must(longer.Resend()), "500001")
	b.Clock.Advance(10 * time.Minute)
	input.Carry = v.Prompt.Carry
	_, err := longer.Submit(input)
	require.ErrorIs(t, err, carrierfsm.ErrPasswordNeeded)
}

func TestAPasswordThatWasReplacedOnAnotherReplicaIsNotUsed(t *testing.T) {
	t.Parallel()
	b := fsmtest.New(t)
	b.Reach("10002") // this machine holds the first password
	other := b.Replica(func(c *carrierfsm.Config) { c.CaptchaWithoutPassword = true })
	b.Upstream.Then(fsmtest.Code("10003"), fsmtest.Code("10002"))
	b.Must(other.Captcha("500001"))
	b.Must(other.Password("246812"))
	_, err := b.Captcha("500002")
	require.ErrorIs(t, err, carrierfsm.ErrPasswordNeeded)
	require.Equal(t, 1, b.Upstream.Arrivals("246810"))
}

func TestAHeldPasswordIsDestroyedAtItsDeadline(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := fsmtest.NewWith(t, carrierfsm.Config{Now: time.Now, Limits: carrierfsm.Limits{CodeLife: time.Hour}})
		b.Reach("10002")
		longer := b.Replica(func(c *carrierfsm.Config) { c.Limits.IdleLife = time.Hour })
		pass(9 * time.Minute)
		b.Upstream.Then(fsmtest.Code("10002"))
		b.Must(longer.Resend())
		pass(2 * time.Minute)
		_, err := b.Captcha("500001")
		require.ErrorIs(t, err, carrierfsm.ErrPasswordNeeded, "the first machine held it for ten minutes")
	})
}

func TestEachOfSeveralHeldPasswordsIsDestroyedAtItsOwnDeadline(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := fsmtest.NewWith(t, carrierfsm.Config{Now: time.Now}) // ten minutes each
		b.Reach("10002")
		pass(4 * time.Minute)
		b.Create(carrierfsm.NewVerification{ID: "second"}).Reach("10002")
		pass(4 * time.Minute)
		b.Create(carrierfsm.NewVerification{ID: "third"}).Reach("10002")
		require.Equal(t, 3, b.Machine.CachedPasswords())
		b.Must(b.Cancel())
		require.Equal(t, 2, b.Machine.CachedPasswords(), "dropped")
		pass(6*time.Minute - time.Second)
		require.Equal(t, 2, b.Machine.CachedPasswords())
		pass(2 * time.Second)
		require.Equal(t, 1, b.Machine.CachedPasswords(), "the second one's deadline has passed")
		pass(4 * time.Minute)
		require.Zero(t, b.Machine.CachedPasswords(), "and the third one's")
	})
}

func TestAPasswordThatIsHeldLaterMayEndSooner(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := fsmtest.NewWith(t, carrierfsm.Config{Now: time.Now, Limits: carrierfsm.Limits{IdleLife: 10 * time.Minute, Life: 12 * time.Minute}})
		pass(8 * time.Minute)
		b.Create(carrierfsm.NewVerification{ID: "young"}).Reach("10002")
		b.Reach("10002") // four minutes are left of its life
		require.Equal(t, 2, b.Machine.CachedPasswords())
		pass(4*time.Minute + time.Second)
		require.Equal(t, 1, b.Machine.CachedPasswords())
	})
}

func TestAPasswordIsNotHeldForAnotherSource(t *testing.T) {
	t.Parallel()
	b := fsmtest.New(t)
	b.Reach("10002")
	b.Upstream.Then(fsmtest.Next("chinaunicom"), fsmtest.Code("10002"), fsmtest.Code("10008"))
	v := b.Must(b.Captcha("500001"))
	require.Equal(t, carrierfsm.PromptPassword, v.Prompt.Kind)
	require.Equal(t, "chinaunicom", v.Source.Website)
	require.Equal(t, 2, v.Prompt.AttemptsLeft, "the attempts are reset")
	b.Must(b.Password("864200"))
	require.Equal(t, carrierfsm.Done, b.Must(b.Captcha("500002")).State)
	require.Equal(t, 2, b.Upstream.Arrivals("246810"))
	require.Equal(t, 2, b.Upstream.Arrivals("864200"))
}

func TestTheSecretsOfARefusedInputAreDestroyed(t *testing.T) {
	t.Parallel()
	b := fsmtest.New(t)
	v := b.Reach("10002")
	for _, step := range []int{0, v.Step - 1, v.Step + 1} {
		secret := carrierfsm.NewSecret("500001")
		_, err := b.Submit(carrierfsm.Captcha{Step: step, Code: secret})
		require.Error(t, err)
		require.True(t, secret.Empty(), "step %d", step)
	}
}

func TestTheTokenIsReturnedOnceItIsOfUse(t *testing.T) {
	t.Parallel()
	b := fsmtest.New(t)
	v := b.Reach("10002")
	require.True(t, v.Token.Empty())
	b.Upstream.Then(fsmtest.Code("10008"))
	v = b.Must(b.Captcha("500001"))
	v.Token.Use(func(value []byte) { require.Equal(t, fsmtest.Token, string(value)) })
}

// plaintexts is a Sealer that keeps the memory of what it encrypted and decrypted.
type plaintexts struct {
	carrierfsm.Sealer
	encrypted, decrypted [][]byte
}

func (p *plaintexts) Encrypt(plaintext, data []byte) ([]byte, error) {
	if bytes.Contains(plaintext, []byte("246810")) {
		p.encrypted = append(p.encrypted, plaintext)
	}
	return p.Sealer.Encrypt(plaintext, data)
}

func (p *plaintexts) Decrypt(ciphertext, data []byte) ([]byte, error) {
	plaintext, err := p.Sealer.Decrypt(ciphertext, data)
	if bytes.Contains(plaintext, []byte("246810")) {
		p.decrypted = append(p.decrypted, plaintext)
	}
	return plaintext, err
}

func TestACarryLeavesNoCopyOfThePasswordInMemory(t *testing.T) {
	t.Parallel()
	kept := &plaintexts{Sealer: sealer(t)}
	b := fsmtest.NewWith(t, carrierfsm.Config{Sealer: kept})
	v := b.Reach("10002")
	input := captcha(v, "500001")
	input.Carry = v.Prompt.Carry
	b.Upstream.Then(fsmtest.Code("10008"))
	b.Must(b.Replica().Submit(input))
	require.Equal(t, 2, b.Upstream.Arrivals("246810"), "the carry was opened")
	require.Len(t, kept.encrypted, 1)
	require.Len(t, kept.decrypted, 1)
	for _, plaintext := range append(kept.encrypted, kept.decrypted...) {
		require.NotContains(t, string(plaintext), "246810")
	}
}

func TestAHeldPasswordIsDestroyedWhenItIsOfNoMoreUse(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(b *fsmtest.Bench) error{
		"the verification is done": func(b *fsmtest.Bench) error {
			b.Upstream.Then(fsmtest.Code("10008"))
			_, err := b.Captcha("500001")
			return err
		},
		"the next source is asked": func(b *fsmtest.Bench) error {
			b.Upstream.Then(fsmtest.Next("chinaunicom"))
			_, err := b.Captcha("500001")
			return err
		},
		"it is canceled": func(b *fsmtest.Bench) error { _, err := b.Cancel(); return err },
		"it is erased":   func(b *fsmtest.Bench) error { return b.Machine.Erase(context.Background(), b.ID) },
		"the machine is closed": func(b *fsmtest.Bench) error {
			return b.Machine.Close(context.Background())
		},
		"it fails": func(b *fsmtest.Bench) error {
			b.Upstream.Then(fsmtest.Code("30000"))
			_, err := b.Captcha("500001")
			return err
		},
		"it was wrong": func(b *fsmtest.Bench) error {
			b.Upstream.Then(fsmtest.Code("10003"))
			_, err := b.Captcha("500001")
			return err
		},
		"an operator expires it": func(b *fsmtest.Bench) error { return b.Machine.Expire(context.Background(), b.ID) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := fsmtest.New(t)
			b.Reach("10002")
			held := b.Machine.CachedSecret(b.ID)
			require.Equal(t, "246810", fsmtest.Reveal(held))
			require.NoError(t, end(b))
			require.Zero(t, b.Machine.CachedPasswords())
			require.True(t, held.Empty(), "its memory is overwritten")
		})
	}
}
