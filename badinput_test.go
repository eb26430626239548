package carrierfsm_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/fsmtest"
	"github.com/carrierfsm/carrierfsm/store/memory"
)

// Bad input is told by a typed error, before anything is sent or lost.

func TestAnInputThatCouldNeverBeRightIsRefusedAsInvalid(t *testing.T) {
	t.Parallel()
	form := application(0).Form
	with := func(change func(*carrierfsm.Apply)) carrierfsm.Apply {
		a := application(0)
		change(&a)
		return a
	}
	secret := carrierfsm.NewSecret
	cases := []struct {
		rule  string
		input carrierfsm.Input
		want  error
	}{
		{"no input at all", nil, carrierfsm.ErrInvalid},
		{"an empty code", carrierfsm.Captcha{Step: 3}, carrierfsm.ErrInvalid},
		{"a code of 10 MB", carrierfsm.Captcha{Step: 3, Code: secret(strings.Repeat("1", 10<<20))}, carrierfsm.ErrInvalid},
		{"a code with a line break", carrierfsm.Captcha{Step: 3, Code: secret("12\n34")}, carrierfsm.ErrInvalid},
		{"a code that is not UTF-8", carrierfsm.Captcha{Step: 3, Code: secret("\xff\xfe")}, carrierfsm.ErrInvalid},
		{"a code without a step", carrierfsm.Captcha{Code: secret("500001")}, carrierfsm.ErrInvalid},
		{"a code for a prompt not yet shown", carrierfsm.Captcha{Step: 9, Code: secret("500001")}, carrierfsm.ErrInvalid},
		{"a carry of 10 MB", carrierfsm.Captcha{Step: 3, Code: secret("500001"), Carry: strings.Repeat("A", 10<<20)}, carrierfsm.ErrInvalid},
		{"a password of 10 MB beside a code", carrierfsm.Captcha{Step: 3, Code: secret("500001"), Password: secret(strings.Repeat("1", 10<<20))}, carrierfsm.ErrInvalid},
		{"no code beside a password", carrierfsm.Captcha{Step: 3, Password: secret("246810")}, carrierfsm.ErrInvalid},
		{"a new password of 10 MB", carrierfsm.ResetCaptcha{Step: 3, Code: secret("500001"), NewPassword: secret(strings.Repeat("1", 10<<20))}, carrierfsm.ErrInvalid},
		{"no code beside a new password", carrierfsm.ResetCaptcha{Step: 3, NewPassword: secret("864200")}, carrierfsm.ErrInvalid},
		{"an empty password", carrierfsm.Password{Step: 3}, carrierfsm.ErrInvalid},
		{"a password without a step", carrierfsm.Password{Password: secret("246810")}, carrierfsm.ErrInvalid},
		{"an empty query password", carrierfsm.QueryPassword{Step: 3}, carrierfsm.ErrInvalid},
		{"a resend without a step", carrierfsm.ResendCaptcha{}, carrierfsm.ErrInvalid},
		{"a form with a negative step", with(func(a *carrierfsm.Apply) { a.Step = -1 }), carrierfsm.ErrInvalid},
		{"a phone number with letters", with(func(a *carrierfsm.Apply) { a.Form.Phone = "1380013800x" }), carrierfsm.ErrInvalid},
		{"a phone number too short", with(func(a *carrierfsm.Apply) { a.Form.Phone = "1380013800" }), carrierfsm.ErrInvalid},
		{"a phone number of another country", with(func(a *carrierfsm.Apply) { a.Form.Phone = "23800138000" }), carrierfsm.ErrInvalid},
		{"a form without a name", with(func(a *carrierfsm.Apply) { a.Form.Name = "" }), carrierfsm.ErrInvalid},
		{"a form without an ID card", with(func(a *carrierfsm.Apply) { a.Form.IDCard = "" }), carrierfsm.ErrInvalid},
		{"a name of a megabyte", with(func(a *carrierfsm.Apply) { a.Form.Name = strings.Repeat("测", 1<<20) }), carrierfsm.ErrInvalid},
		{"a contact without a number", with(func(a *carrierfsm.Apply) { a.Form.Contacts = []carrierfsm.Contact{{Name: "联系人"}} }), carrierfsm.ErrInvalid},
		{"a relation that nobody types", with(func(a *carrierfsm.Apply) {
			a.Form.Contacts = []carrierfsm.Contact{{Name: "联系人", Phone: "13800138009", Relation: "\n"}}
		}), carrierfsm.ErrInvalid},
		{"too many sources", with(func(a *carrierfsm.Apply) { a.Form.Sources = make([]carrierfsm.SourceChoice, 11) }), carrierfsm.ErrInvalid},
		{"a source without a name", with(func(a *carrierfsm.Apply) { a.Form.Sources = []carrierfsm.SourceChoice{{Category: "mobile"}} }), carrierfsm.ErrInvalid},
		{"a source that nobody types", with(func(a *carrierfsm.Apply) { a.Form.Sources = []carrierfsm.SourceChoice{{Name: "a\x00"}} }), carrierfsm.ErrInvalid},
		{"a category that nobody types", with(func(a *carrierfsm.Apply) {
			a.Form.Sources = []carrierfsm.SourceChoice{{Name: "a", Category: "\n"}}
		}), carrierfsm.ErrInvalid},
		{"too many contacts", with(func(a *carrierfsm.Apply) { a.Form.Contacts = make([]carrierfsm.Contact, 21) }), carrierfsm.ErrInvalid},
		{"no consent", carrierfsm.Apply{Form: form}, carrierfsm.ErrConsentRequired},
		{"a consent without a time", with(func(a *carrierfsm.Apply) { a.Consent.At = time.Time{} }), carrierfsm.ErrConsentRequired},
		{"a consent without a policy", with(func(a *carrierfsm.Apply) { a.Consent.Policy = "" }), carrierfsm.ErrConsentRequired},
		{"a consent without a channel", with(func(a *carrierfsm.Apply) { a.Consent.Channel = "" }), carrierfsm.ErrConsentRequired},
	}
	for _, c := range cases {
		t.Run(c.rule, func(t *testing.T) {
			t.Parallel()
			b := fsmtest.New(t)
			before := b.Get()
			if _, form := c.input.(carrierfsm.Apply); !form {
				before = b.Reach("10002")
			}
			sent := len(b.Upstream.Calls())
			_, err := b.Submit(c.input)
			require.ErrorIs(t, err, c.want)
			require.Less(t, len(err.Error()), 200, "an error must not repeat what was typed")
			require.Len(t, b.Upstream.Calls(), sent)
			after := b.Get()
			require.Equal(t, before.Step, after.Step)
			require.False(t, after.InFlight)
		})
	}
}

func TestAnUnknownIDIsToldAsSuch(t *testing.T) {
	t.Parallel()
	b := fsmtest.New(t)
	ctx := context.Background()
	_, err := b.Machine.Get(ctx, "nobody")
	require.ErrorIs(t, err, carrierfsm.ErrNotFound)
	_, err = b.Machine.History(ctx, "nobody")
	require.ErrorIs(t, err, carrierfsm.ErrNotFound)
	v, err := b.Machine.Submit(ctx, "nobody", application(0))
	require.ErrorIs(t, err, carrierfsm.ErrNotFound)
	require.Zero(t, v, "nothing is asked of nobody")
	_, err = b.Machine.Submit(ctx, "nobody", carrierfsm.Cancel{})
	require.ErrorIs(t, err, carrierfsm.ErrNotFound)
	require.ErrorIs(t, b.Machine.Erase(ctx, "nobody"), carrierfsm.ErrNotFound)
	require.ErrorIs(t, b.Machine.Reseal(ctx, "nobody"), carrierfsm.ErrNotFound)
	var where *carrierfsm.Error
	require.ErrorAs(t, err, &where)
	require.Equal(t, "nobody", where.ID)
	require.Equal(t, carrierfsm.InputCancel, where.Input)
}

func TestAnIDMustBePlainAndNothingPersonal(t *testing.T) {
	t.Parallel()
	b := fsmtest.New(t)
	for _, id := range []string{"13800138000", "with space", "测试", strings.Repeat("x", 129), "tab\t", "\x00"} {
		_, err := b.Machine.Create(context.Background(), carrierfsm.NewVerification{ID: id})
		require.ErrorIs(t, err, carrierfsm.ErrInvalid, "%q", id)
		require.NotContains(t, err.Error(), id)
	}
	_, err := b.Machine.Create(context.Background(), carrierfsm.NewVerification{ID: "v1"})
	require.ErrorIs(t, err, carrierfsm.ErrExists)
	v, err := b.Machine.Create(context.Background(), carrierfsm.NewVerification{})
	require.NoError(t, err)
	require.Len(t, v.ID, 36, "a UUID of our own")
}

func TestAKeyIsHeldByOneLiveVerification(t *testing.T) {
	t.Parallel()
	b := fsmtest.New(t)
	ctx := context.Background()
	first, err := b.Machine.Create(ctx, carrierfsm.NewVerification{Key: "hash"})
	require.NoError(t, err)
	_, err = b.Machine.Create(ctx, carrierfsm.NewVerification{Key: "hash"})
	require.ErrorIs(t, err, carrierfsm.ErrKeyInUse)
	_, err = b.Machine.Submit(ctx, first.ID, carrierfsm.Cancel{})
	require.NoError(t, err)
	_, err = b.Machine.Create(ctx, carrierfsm.NewVerification{Key: "hash"})
	require.NoError(t, err, "the end lets go of it")
}

func TestAStoreThatFailsBeforeTheIntentSendsNothing(t *testing.T) {
	t.Parallel()
	b := fsmtest.New(t)
	b.Reach("10002")
	full := b.Replica(func(c *carrierfsm.Config) {
		c.Store = storeWith{Store: c.Store, commit: func(func() error) error { return errors.New("the disk is full") }}
		c.CaptchaWithoutPassword = true
	})
	_, err := full.Captcha("500001")
	require.ErrorIs(t, err, carrierfsm.ErrStore)
	require.NotErrorIs(t, err, carrierfsm.ErrPending)
	require.Zero(t, b.Upstream.Arrivals("500001"))
	_, err = full.Cancel()
	require.ErrorIs(t, err, carrierfsm.ErrStore)
	require.Equal(t, 3, b.Get().Prompt.AttemptsLeft)
}

func TestARecordOfANewerTableIsLeftAlone(t *testing.T) {
	t.Parallel()
	b := fsmtest.New(t)
	ctx := context.Background()
	r := b.Record()
	r.Version, r.Table, r.State = r.Version+1, carrierfsm.TableVersion+1, "awaiting_moonrise"
	r.Due = b.Clock.Now().Add(-time.Hour)
	require.NoError(t, b.Store.Commit(ctx, r))

	_, err := b.Machine.Get(ctx, b.ID)
	require.ErrorIs(t, err, carrierfsm.ErrNewerTable)
	_, err = b.Apply()
	require.ErrorIs(t, err, carrierfsm.ErrNewerTable)
	_, err = b.Cancel()
	require.ErrorIs(t, err, carrierfsm.ErrNewerTable)
	n, err := b.Machine.Settle(ctx)
	require.Zero(t, n)
	require.ErrorIs(t, err, carrierfsm.ErrNewerTable, "it is reported and stops nobody")
	require.Equal(t, r.Version, b.Record().Version)
}

func TestARecordOfAnOlderTableGoesOn(t *testing.T) {
	t.Parallel()
	b := fsmtest.New(t)
	r := b.Record()
	r.Version, r.Table = r.Version+1, carrierfsm.TableVersion-1
	require.NoError(t, b.Store.Commit(context.Background(), r))
	v := b.Reach("10002")
	require.Equal(t, carrierfsm.AwaitingCaptcha, v.State)
	require.Equal(t, 1, b.Record().Table, "the version that it needs")
}

func TestARecordOfAnotherSealerIsReportedAndErasable(t *testing.T) {
	t.Parallel()
	b := fsmtest.NewWith(t, carrierfsm.Config{Sealer: sealer(t)})
	b.Reach("10002")
	ctx := context.Background()
	key := carrierfsm.SealKey{ID: "other", Key: carrierfsm.NewSecret("fedcba9876543210fedcba9876543210")}
	stranger, err := carrierfsm.NewSealer(key)
	require.NoError(t, err)
	other := b.Replica(func(c *carrierfsm.Config) { c.Sealer = stranger })
	none := b.Replica(func(c *carrierfsm.Config) { c.Sealer = nil })
	for _, m := range []*carrierfsm.Machine{other.Machine, none.Machine} {
		_, err = m.Get(ctx, b.ID)
		require.ErrorIs(t, err, carrierfsm.ErrSealed)
		_, err = m.History(ctx, b.ID)
		require.ErrorIs(t, err, carrierfsm.ErrSealed)
		list, err := m.List(ctx, carrierfsm.Query{})
		require.NoError(t, err, "columns need no key")
		require.Len(t, list, 1)
	}
	require.NoError(t, other.Machine.Erase(ctx, b.ID))
	require.Equal(t, carrierfsm.Erased, none.Get().Reason, "a tombstone needs no key")
	require.Len(t, none.History(), 4)
}

func TestReadingAnOldKeyAndSealingAnew(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	b := fsmtest.New(t) // plaintext at first
	v := b.Reach("10002")
	old := carrierfsm.SealKey{ID: "old", Key: carrierfsm.NewSecret("0123456789abcdef0123456789abcdef")}
	fresh := carrierfsm.SealKey{ID: "new", Key: carrierfsm.NewSecret("fedcba9876543210fedcba9876543210")}
	with := func(keys ...carrierfsm.SealKey) *carrierfsm.Machine {
		s, err := carrierfsm.NewSealer(keys...)
		require.NoError(t, err)
		return b.Replica(func(c *carrierfsm.Config) { c.Sealer = s }).Machine
	}
	require.NoError(t, with(old).Reseal(ctx, b.ID), "plaintext stays readable")
	require.NoError(t, with(fresh, old).Reseal(ctx, b.ID), "an old key stays readable")
	again, err := with(fresh).Get(ctx, b.ID)
	require.NoError(t, err)
	require.Equal(t, v.Step, again.Step, "sealing anew is no transition")
	_, err = with(old).Get(ctx, b.ID)
	require.ErrorIs(t, err, carrierfsm.ErrSealed)
}

func TestNewRefusesWhatCantWork(t *testing.T) {
	t.Parallel()
	good := carrierfsm.Config{Store: memory.New(), Upstream: fsmtest.NewUpstream()}
	for rule, spoil := range map[string]func(*carrierfsm.Config){
		"no store":           func(c *carrierfsm.Config) { c.Store = nil },
		"no upstream":        func(c *carrierfsm.Config) { c.Upstream = nil },
		"a negative timeout": func(c *carrierfsm.Config) { c.CallTimeout = -1 },
		"a negative grace":   func(c *carrierfsm.Config) { c.Grace = -1 },
		"a negative limit":   func(c *carrierfsm.Config) { c.Limits.Passwords = -1 },
		"a negative life":    func(c *carrierfsm.Config) { c.Limits.Life = -1 },
		"a negative bound":   func(c *carrierfsm.Config) { c.MaxInFlight = -1 },
	} {
		c := good
		spoil(&c)
		_, err := carrierfsm.New(c)
		require.ErrorIs(t, err, carrierfsm.ErrInvalid, rule)
	}
}
