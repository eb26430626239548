package carrierfsm_test

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/fsmtest"
	"github.com/carrierfsm/carrierfsm/store/memory"
	"github.com/carrierfsm/carrierfsm/store/seal"
)

func TestAnUnknownIDIsNotFound(t *testing.T) {
	t.Parallel()
	b := fsmtest.New(t)
	ctx := context.Background()
	_, err := b.Machine.Get(ctx, "unknown")
	require.ErrorIs(t, err, carrierfsm.ErrNotFound)
	_, err = b.Machine.History(ctx, "unknown")
	require.ErrorIs(t, err, carrierfsm.ErrNotFound)
	v, err := b.Machine.Submit(ctx, "unknown", application(0))
	require.ErrorIs(t, err, carrierfsm.ErrNotFound)
	require.Zero(t, v, "there is no verification")
	_, err = b.Machine.Submit(ctx, "unknown", carrierfsm.Cancel{})
	require.ErrorIs(t, err, carrierfsm.ErrNotFound)
	require.ErrorIs(t, b.Machine.Erase(ctx, "unknown"), carrierfsm.ErrNotFound)
	require.ErrorIs(t, b.Machine.Reseal(ctx, "unknown"), carrierfsm.ErrNotFound)
	var where *carrierfsm.Error
	require.ErrorAs(t, err, &where)
	require.Equal(t, "unknown", where.ID)
	require.Equal(t, carrierfsm.InputCancel, where.Input)
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
	require.ErrorIs(t, err, carrierfsm.ErrNewerTable, "it is reported, and does not stop the others")
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
	key := seal.Key{ID: "other", Key: carrierfsm.NewSecret("fedcba9876543210fedcba9876543210")}
	stranger, err := seal.New(key)
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
	require.Equal(t, carrierfsm.Erased, other.Get().Reason)
	history, err := other.Machine.History(ctx, b.ID)
	require.ErrorIs(t, err, carrierfsm.ErrForged, "what could not be opened could not be checked")
	require.Len(t, history, 4)
	require.NoError(t, other.Machine.Erase(ctx, b.ID), "again")
}

func TestPeekChangesNothingAndReturnsNoToken(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	b := fsmtest.New(t)
	b.Reach("10002")
	b.Clock.Advance(6 * time.Minute) // the code has expired
	v := b.Must(b.Machine.Read(ctx, b.ID))
	require.Equal(t, carrierfsm.CaptchaRequested, v.Reason)
	require.Equal(t, "138****8000", v.Account)
	require.Equal(t, carrierfsm.CaptchaExpired, b.Get().Reason, "which Get settles")
	b.Upstream.Then(fsmtest.Code("10008"))
	b.Must(b.Captcha("500001"))
	require.False(t, b.Get().Token.Empty())
	v = b.Must(b.Machine.Read(ctx, b.ID))
	require.Equal(t, carrierfsm.Done, v.State)
	require.True(t, v.Token.Empty())
	_, err := b.Machine.Read(ctx, "unknown")
	require.ErrorIs(t, err, carrierfsm.ErrNotFound)
}

func TestWhatCantBeOpenedIsReturnedByItsColumns(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	b := fsmtest.NewWith(t, carrierfsm.Config{Sealer: sealer(t)})
	known := b.Reach("10002")
	blind := b.Replica(func(c *carrierfsm.Config) { c.Sealer = nil })
	v, err := blind.Machine.Read(ctx, b.ID)
	require.ErrorIs(t, err, carrierfsm.ErrSealed)
	require.Equal(t, known.State, v.State)
	require.Equal(t, known.Step, v.Step)
	require.Equal(t, known.Source.Website, v.Source.Website)
	require.Nil(t, v.Prompt)
	require.Empty(t, v.Account)
	history, err := blind.Machine.History(ctx, b.ID)
	require.ErrorIs(t, err, carrierfsm.ErrSealed)
	require.Len(t, history, known.Step)
	require.Equal(t, carrierfsm.CaptchaRequested, history[2].Event)
	require.Zero(t, history[2].Detail)
}

func TestAHistoryWithABrokenEntryReturnsTheOthers(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	b := fsmtest.NewWith(t, carrierfsm.Config{Store: brokenDetail{memory.New()}})
	b.Reach("10002")
	history, err := b.Machine.History(ctx, b.ID)
	require.ErrorIs(t, err, carrierfsm.ErrCorrupt)
	require.Len(t, history, 3)
	require.Zero(t, history[1].Detail)
	require.Equal(t, carrierfsm.InputPassword, history[2].Detail.Input)
}

// brokenDetail truncates the detail of the second entry.
type brokenDetail struct{ *memory.Store }

func (s brokenDetail) History(ctx context.Context, id string, after, limit int) ([]carrierfsm.Entry, error) {
	list, err := s.Store.History(ctx, id, after, limit)
	for i := range list {
		if list[i].Step == 2 {
			list[i].Detail = []byte(`{"input":"apply",`)
		}
	}
	return list, err
}

func TestWhatIsOverdueIsListedAndNotSettled(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx := context.Background()
		b := fsmtest.NewWith(t, carrierfsm.Config{Now: time.Now, Sealer: sealer(t)})
		b.Reach("10002") // waits for its code, 5 min
		for _, id := range []string{"v2", "v3"} {
			_, err := b.Machine.Create(ctx, carrierfsm.NewVerification{ID: id}) // 30 min
			require.NoError(t, err)
		}
		ids := func(list []carrierfsm.Summary, err error) (got []string) {
			require.NoError(t, err)
			for _, o := range list {
				got = append(got, o.ID)
			}
			return got
		}
		pass(6 * time.Minute)
		require.Equal(t, []string{"v1"}, ids(b.Machine.Overdue(ctx, 0, carrierfsm.PageKey{}, 0)))
		require.Empty(t, ids(b.Machine.Overdue(ctx, 2*time.Minute, carrierfsm.PageKey{}, 0)), "it is not overdue for long enough")
		pass(30 * time.Minute)
		first, err := b.Machine.Overdue(ctx, time.Minute, carrierfsm.PageKey{}, 2)
		require.Equal(t, []string{"v1", "v2"}, ids(first, err))
		require.NoError(t, first[0].Err)
		require.Equal(t, carrierfsm.CaptchaRequested, first[0].Reason, "nothing was settled")
		after := carrierfsm.PageKey{Time: first[1].Due, ID: first[1].ID}
		require.Equal(t, []string{"v3"}, ids(b.Machine.Overdue(ctx, time.Minute, after, 2)))

		blind := b.Replica(func(c *carrierfsm.Config) { c.Sealer = nil })
		list, err := blind.Machine.Overdue(ctx, 0, carrierfsm.PageKey{}, 0)
		require.NoError(t, err)
		require.ErrorIs(t, list[0].Err, carrierfsm.ErrSealed)
		require.Equal(t, carrierfsm.AwaitingCaptcha, list[0].State, "its columns are returned nevertheless")
		broken := b.Replica(func(c *carrierfsm.Config) { c.Store = failing{c.Store} })
		_, err = broken.Machine.Overdue(ctx, 0, carrierfsm.PageKey{}, 0)
		require.ErrorIs(t, err, carrierfsm.ErrStore)
	})
}

func TestAListHasReferencesIfTheQueryAsksForBodies(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	b := fsmtest.NewWith(t, carrierfsm.Config{Sealer: sealer(t)})
	for _, id := range []string{"v2", "v3"} {
		_, err := b.Machine.Create(ctx, carrierfsm.NewVerification{ID: id, Key: "key-" + id, Reference: "order-" + id})
		require.NoError(t, err)
	}
	require.NoError(t, b.Machine.Erase(ctx, "v3"))
	references := func(m *carrierfsm.Machine, q carrierfsm.Query) map[string]string {
		list, err := m.List(ctx, q)
		require.NoError(t, err)
		got := make(map[string]string)
		for _, v := range list {
			got[v.ID] = v.Reference
			if v.Err != nil {
				require.ErrorIs(t, v.Err, carrierfsm.ErrSealed)
				got[v.ID] = "sealed"
			}
		}
		return got
	}
	require.Equal(t, map[string]string{"v1": "", "v2": "order-v2", "v3": ""}, references(b.Machine, carrierfsm.Query{Bodies: true}))
	require.Equal(t, map[string]string{"v1": "", "v2": "", "v3": ""}, references(b.Machine, carrierfsm.Query{}))
	require.Equal(t, map[string]string{"v2": "order-v2"}, references(b.Machine, carrierfsm.Query{Bodies: true, Key: "key-v2"}))
	require.Empty(t, references(b.Machine, carrierfsm.Query{Key: "key-v3"}), "what has ended has no key")
	blind := b.Replica(func(c *carrierfsm.Config) { c.Sealer = nil })
	require.Equal(t, map[string]string{"v1": "sealed", "v2": "sealed", "v3": "sealed"}, references(blind.Machine, carrierfsm.Query{Bodies: true}))
	require.Equal(t, map[string]string{"v1": "", "v2": "", "v3": ""}, references(blind.Machine, carrierfsm.Query{}))
}

func TestTheReferenceOfTheHostComesBackSealedAndIsErased(t *testing.T) {
	t.Parallel()
	ctx, store := context.Background(), memory.New()
	sealer, err := seal.New(seal.Key{ID: "k1", Key: carrierfsm.NewSecret("0123456789abcdef0123456789abcdef")})
	require.NoError(t, err)
	b := fsmtest.NewWith(t, carrierfsm.Config{Store: store, Sealer: sealer}, fsmtest.Accept("chinamobilejs"))
	const reference = "订单 2026/117"
	v, err := b.Machine.Create(ctx, carrierfsm.NewVerification{ID: "v2", Reference: reference})
	require.NoError(t, err)
	require.Equal(t, reference, v.Reference)
	v, err = b.Machine.Submit(ctx, "v2", application(0))
	require.NoError(t, err)
	require.Equal(t, reference, v.Reference)
	v, err = b.Machine.Read(ctx, "v2")
	require.NoError(t, err)
	require.Equal(t, reference, v.Reference)
	history, err := b.Machine.History(ctx, "v2")
	require.NoError(t, err)
	require.Len(t, history, 2)
	record, err := store.Load(ctx, "v2")
	require.NoError(t, err)
	entries, err := store.History(ctx, "v2", 0, 10)
	require.NoError(t, err)
	require.NotContains(t, string(record.Body), reference)
	for i, transition := range history {
		require.Equal(t, reference, transition.Reference)
		require.NotContains(t, string(entries[i].Detail), reference)
	}

	require.NoError(t, b.Machine.Erase(ctx, "v2"))
	v, err = b.Machine.Get(ctx, "v2")
	require.NoError(t, err)
	require.Empty(t, v.Reference)
	history, err = b.Machine.History(ctx, "v2")
	require.NoError(t, err)
	for _, transition := range history {
		require.Empty(t, transition.Reference)
	}
}

func TestAReferenceThatCantBeStoredOrIsPersonalIsRefused(t *testing.T) {
	t.Parallel()
	m := fsmtest.New(t).Machine
	for _, reference := range []string{strings.Repeat("x", 129), "a\nb", "a\xffb", "13800138000"} {
		_, err := m.Create(context.Background(), carrierfsm.NewVerification{Reference: reference})
		require.ErrorIs(t, err, carrierfsm.ErrInvalid, "%q", reference)
	}
	_, err := m.Create(context.Background(), carrierfsm.NewVerification{Reference: strings.Repeat("x", 128)})
	require.NoError(t, err)
}

// What Reason alone does not say of an end.
func TestAVerificationThatFailedSaysHowItEnded(t *testing.T) {
	t.Parallel()
	end := func(b *fsmtest.Bench) carrierfsm.End { return b.Get().End }
	b := fsmtest.New(t, fsmtest.Accept("chinamobilejs"), fsmtest.Code("10003"), fsmtest.Code("10003"))
	b.Must(b.Apply())
	b.Must(b.Password("000000"))
	require.Zero(t, b.Get().End)
	b.Must(b.Password("000001"))
	require.Equal(t, carrierfsm.AttemptsExhausted, b.Get().Reason)
	require.Equal(t, carrierfsm.End{Prompt: carrierfsm.PromptPassword, After: carrierfsm.PasswordRejected}, end(b))
	require.NoError(t, b.Machine.Erase(carrierfsm.ByOperator(t.Context(), "anna"), b.ID))
	require.Zero(t, end(b), "erased")

	b = fsmtest.New(t)
	b.Reach("10002")
	b.Upstream.Then(fsmtest.NotSent())
	b.Must(b.Captcha("500001"))
	b.Clock.Advance(time.Hour)
	require.Equal(t, carrierfsm.Expired, b.Get().Reason)
	require.Equal(t, carrierfsm.End{Prompt: carrierfsm.PromptCaptcha, After: carrierfsm.UpstreamUnavailable}, end(b))

	b = fsmtest.New(t)
	require.NoError(t, b.Machine.Expire(carrierfsm.ByOperator(t.Context(), "anna"), b.ID))
	require.Equal(t, carrierfsm.End{Prompt: carrierfsm.PromptApplication, By: "anna"}, end(b))

	b = fsmtest.New(t)
	b.Reach()
	for b.Get().Prompt != nil {
		b.Upstream.Then(fsmtest.NotSent())
		b.Must(b.Password("246810"))
	}
	require.Equal(t, carrierfsm.AttemptsExhausted, b.Get().Reason, "after fifty steps")
	require.Equal(t, carrierfsm.End{After: carrierfsm.UpstreamUnavailable}, end(b))

	b = fsmtest.New(t)
	b.Reach("10008")
	require.Zero(t, end(b), "it is done")
}

// A person is told which source follows, and how many are left.
func TestTheSourcesThatAreDoneAreNamed(t *testing.T) {
	t.Parallel()
	collected := func(name string) fsmtest.Answer {
		return fsmtest.Reply(carrierfsm.Reply{Success: true, Code: "10008", Next: &carrierfsm.Source{Website: "chinatelecomah", Name: name, Online: true}})
	}
	b := fsmtest.New(t, fsmtest.AcceptAt(carrierfsm.Source{Website: "chinamobileah", Name: "安徽移动", Online: true}), collected("安徽电信"), collected(""), fsmtest.Code("10008"))
	require.Zero(t, b.Get().Sources)
	form := fsmtest.Form()
	form.Sources = []carrierfsm.SourceChoice{{Name: "chinamobileah"}, {Name: "chinatelecomah"}, {Name: "chinaunicomah"}, {Name: "another"}}
	v := b.Must(b.Submit(carrierfsm.Apply{Form: form, Consent: fsmtest.Consent()}))
	require.Empty(t, v.Collected)
	require.Equal(t, 4, v.Sources)
	v = b.Must(b.Password("246810"))
	require.Equal(t, []string{"安徽移动"}, v.Collected)
	v = b.Must(b.SkipSource())
	require.Equal(t, []string{"安徽移动"}, v.Collected, "a source that was skipped is not done")
	require.Equal(t, 3, v.Sources)
	v = b.Must(b.Password("246810"))
	require.Equal(t, carrierfsm.Done, v.State)
	require.Equal(t, []string{"安徽移动"}, b.Get().Collected)

	b = fsmtest.New(t, fsmtest.Accept("chinamobileah"), collected("安徽电信"))
	require.Equal(t, 1, b.Must(b.Apply()).Sources)
	v = b.Must(b.Password("246810"))
	require.Equal(t, []string{"chinamobileah"}, v.Collected, "it has no other name")
	require.Equal(t, 2, v.Sources)
}

// The mark names one commit: a store that was set back and went another way has another.
func TestTheMarkOfACommitIsThatOfNoOther(t *testing.T) {
	t.Parallel()
	seen, other := fsmtest.New(t), fsmtest.New(t)
	seen.Must(seen.Apply())
	other.Must(other.Apply())
	earlier := carrierfsm.WithMark(t.Context(), seen.Get().Mark)
	_, err := other.Machine.Get(earlier, other.ID)
	require.ErrorIs(t, err, carrierfsm.ErrForged)
	require.ErrorContains(t, err, "another version")
	seen.Must(seen.Cancel())
	_, err = seen.Machine.Get(earlier, seen.ID)
	require.NoError(t, err, "it has moved on since")
	_, err = other.Machine.Get(carrierfsm.WithMark(t.Context(), seen.Get().Mark), other.ID)
	require.ErrorContains(t, err, "the host has seen")
}
