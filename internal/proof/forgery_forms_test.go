package proof_test

import (
	"context"
	"encoding/json"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/budget"
	"github.com/carrierfsm/carrierfsm/fsmtest"
	"github.com/carrierfsm/carrierfsm/store/memory"
)

// The forms in which bodies and details are stored: plain, sealed as by earlier builds,
// and bound.

// machine returns a machine that is closed when the test ends.
func machine(t *testing.T, c carrierfsm.Config) *carrierfsm.Machine {
	t.Helper()
	c.Numbers = budget.None()
	m, err := carrierfsm.New(c)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, m.Close(context.Background())) })
	return m
}

// earlier returns a store with what an earlier build sealed: v1 waits for a code, v2
// was erased.
func earlier(t *testing.T) *memory.Store {
	t.Helper()
	text, err := os.ReadFile("testdata/sealed-by-an-earlier-build.json")
	require.NoError(t, err)
	var all []struct {
		Record  carrierfsm.Record
		Entries []carrierfsm.Entry
	}
	require.NoError(t, json.Unmarshal(text, &all))
	store := memory.New()
	for _, v := range all {
		v.Record.Version = 1
		require.NoError(t, store.Create(context.Background(), v.Record, v.Entries...))
	}
	return store
}

func strict(t *testing.T, store carrierfsm.Store) carrierfsm.Config {
	t.Helper()
	return carrierfsm.Config{Store: store, Upstream: fsmtest.NewUpstream(), Now: fsmtest.NewClock().Now, Sealer: sealer(t), RefuseUnbound: true}
}

func TestWhatAnEarlierBuildSealedIsReadAndSealedAnew(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	store := earlier(t)
	refuse := strict(t, store)
	accept := refuse
	accept.RefuseUnbound = false
	reading, refusing := machine(t, accept), machine(t, refuse)

	v, err := reading.Get(ctx, "v1")
	require.NoError(t, err)
	require.Equal(t, "138****8000", v.Account)
	history, err := reading.History(ctx, "v1")
	require.NoError(t, err)
	require.Len(t, history, 3)
	_, err = refusing.Get(ctx, "v1")
	require.ErrorIs(t, err, carrierfsm.ErrForged)
	require.ErrorContains(t, err, "RefuseUnbound")

	_, err = reading.Get(ctx, "v2")
	require.ErrorIs(t, err, carrierfsm.ErrForged, "its tombstone was plain, as anybody makes one")
	accept.AcceptPlain = true
	migrating := machine(t, accept)
	for _, id := range []string{"v1", "v2"} {
		require.NoError(t, migrating.Reseal(ctx, id))
		v, err = refusing.Get(ctx, id)
		require.NoError(t, err)
		_, err = refusing.History(ctx, id)
		require.NoError(t, err, "the whole history is bound")
	}
	require.Equal(t, carrierfsm.Erased, v.Reason)
}

// An earlier build has no Source and Dwell, and so nothing that proves them.
func TestColumnsThatAnEarlierBuildDidNotWriteAreNotBelieved(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	store := &tampered{Store: earlier(t)}
	c := strict(t, store)
	c.RefuseUnbound = false
	reading := machine(t, c)
	for column, change := range map[string]func(*carrierfsm.Entry){
		"dwell":  func(e *carrierfsm.Entry) { e.Dwell = time.Second },
		"source": func(e *carrierfsm.Entry) { e.Source = "chinaunicom" },
	} {
		store.set(nil, func(list []carrierfsm.Entry) []carrierfsm.Entry {
			change(&list[1])
			return list
		})
		_, err := reading.History(ctx, "v1")
		require.ErrorIs(t, err, carrierfsm.ErrForged)
		require.ErrorContains(t, err, column)
	}
	store.set(nil, nil)
	_, err := reading.History(ctx, "v1")
	require.NoError(t, err)
	require.NoError(t, reading.Reseal(ctx, "v1"))
	_, err = reading.History(ctx, "v1")
	require.NoError(t, err, "resealed, they are still without")
}

func TestTheNextCommitBindsWhatAnEarlierBuildSealed(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	store := earlier(t)
	refuse := strict(t, store)
	accept := refuse
	accept.RefuseUnbound = false
	reading, refusing := machine(t, accept), machine(t, refuse)
	_, err := reading.Submit(ctx, "v1", carrierfsm.Cancel{})
	require.NoError(t, err)
	v, err := refusing.Get(ctx, "v1")
	require.NoError(t, err, "the record is bound")
	require.Equal(t, carrierfsm.Canceled, v.Reason)
	history, err := reading.History(ctx, "v1")
	require.NoError(t, err)
	require.Len(t, history, 4)
	_, err = refusing.History(ctx, "v1")
	require.ErrorIs(t, err, carrierfsm.ErrForged, "the three entries before are not")
	entries, err := store.History(ctx, "v1", 3, 1)
	require.NoError(t, err)
	_, err = refusing.Decode(ctx, entries[0])
	require.NoError(t, err, "the fourth is")
	require.NoError(t, reading.Reseal(ctx, "v1"))
	_, err = refusing.History(ctx, "v1")
	require.NoError(t, err)
}

// While replicas of an earlier build run, those of this one seal as that one does.
func TestWhileSealUnboundIsSetEarlierBuildsCanReadAll(t *testing.T) {
	t.Parallel()
	b := fsmtest.NewWith(t, carrierfsm.Config{Sealer: sealer(t), SealUnbound: true})
	b.Reach("10002")
	r := b.Record()
	require.Equal(t, byte('S'), r.Body[0])
	require.LessOrEqual(t, r.Table, 2, "what the earlier build knows")
	entries, err := b.Store.History(context.Background(), b.ID, 0, 10)
	require.NoError(t, err)
	for _, e := range entries {
		require.Equal(t, byte('S'), e.Detail[0])
	}
	after := b.Replica(func(c *carrierfsm.Config) { c.SealUnbound = false })
	b.Upstream.Then(fsmtest.Code("10004"))
	input := carrierfsm.Captcha{Step: 3, Code: carrierfsm.NewSecret("500001"), Password: carrierfsm.NewSecret("246810")}
	after.Must(after.Submit(input))
	require.Equal(t, 3, b.Record().Table, "an earlier build refuses it with ErrNewerTable")
	require.Len(t, b.History(), 4, "a replica that has not been restarted yet reads it")
}

func TestAStoreThatWasPlainIsMigrated(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	plain := fsmtest.New(t)
	plain.Reach("10002")
	history := plain.History()
	refuse := plain.Replica(func(c *carrierfsm.Config) { c.Sealer = sealer(t) })
	_, err := refuse.Machine.Get(ctx, plain.ID)
	require.ErrorIs(t, err, carrierfsm.ErrForged)
	require.ErrorContains(t, err, "AcceptPlain")
	_, err = refuse.Machine.History(ctx, plain.ID)
	require.ErrorIs(t, err, carrierfsm.ErrForged)
	migrate := plain.Replica(func(c *carrierfsm.Config) { c.Sealer, c.AcceptPlain = sealer(t), true })
	require.Equal(t, history, migrate.History())
	require.NoError(t, migrate.Machine.Reseal(ctx, plain.ID))
	require.Equal(t, history, refuse.History())
	require.Equal(t, carrierfsm.AwaitingCaptcha, refuse.Get().State)
}

func TestWhatIsSealedForOneDeploymentIsRefusedInAnother(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	b := fsmtest.NewWith(t, carrierfsm.Config{Sealer: sealer(t), Deployment: "live"})
	b.Reach("10002")
	other := b.Replica(func(c *carrierfsm.Config) { c.Deployment = "test" })
	_, err := other.Machine.Get(ctx, b.ID)
	require.ErrorIs(t, err, carrierfsm.ErrForged)
	require.ErrorContains(t, err, "deployment")
	entries, err := b.Store.History(ctx, b.ID, 0, 1)
	require.NoError(t, err)
	_, err = other.Machine.Decode(ctx, entries[0])
	require.ErrorIs(t, err, carrierfsm.ErrForged)
	require.ErrorContains(t, err, "deployment")
}

// What can't be proven when it is erased is not believed afterwards.
func TestEraseBelievesNothingThatDoesNotFit(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	for how, forge := range map[string]func(*carrierfsm.Record){
		"set to done":   func(r *carrierfsm.Record) { r.State, r.Reason = carrierfsm.Done, carrierfsm.CollectionStarted },
		"set to erased": func(r *carrierfsm.Record) { r.State, r.Reason = carrierfsm.Failed, carrierfsm.Erased },
		"another step":  func(r *carrierfsm.Record) { r.Step = 1 },
	} {
		store := &tampered{Store: memory.New()}
		b := fsmtest.NewWith(t, carrierfsm.Config{Store: store, Sealer: sealer(t)})
		b.Reach("10002")
		store.set(forge, nil)
		require.NoError(t, b.Machine.Erase(ctx, b.ID), how)
		store.set(nil, nil)
		v := b.Get()
		require.Equal(t, carrierfsm.Failed, v.State, how)
		require.Equal(t, carrierfsm.Erased, v.Reason, how)
		require.Equal(t, 4, v.Step, how)
		_, err := b.Machine.History(ctx, b.ID)
		require.ErrorIs(t, err, carrierfsm.ErrForged, how)
		require.ErrorContains(t, err, "could not be checked when it was erased", how)
		entries, err := store.Store.History(ctx, b.ID, 0, 10)
		require.NoError(t, err)
		for _, e := range entries[:3] {
			_, err = b.Machine.Decode(ctx, e)
			require.ErrorIs(t, err, carrierfsm.ErrForged, how)
		}
		_, err = b.Machine.Decode(ctx, entries[3])
		require.NoError(t, err, "that it was erased is proven")
	}
}

// The figures in the comment of seal.New and in docs/security.md.
func TestAPlainVerificationMakesTwelveSeals(t *testing.T) {
	t.Parallel()
	b := fsmtest.NewWith(t, carrierfsm.Config{Sealer: sealer(t)})
	b.Reach("10002")
	b.Upstream.Then(fsmtest.Code("10008"))
	b.Must(b.Captcha("500001"))
	require.EqualValues(t, 12, b.Machine.Stats().Seals)
	wrong := b.Create(carrierfsm.NewVerification{ID: "v2"})
	wrong.Reach("10002")
	b.Upstream.Then(fsmtest.Code("10004"), fsmtest.Code("10008"))
	b.Must(wrong.Captcha("500000"))
	b.Must(wrong.Captcha("500001"))
	require.EqualValues(t, 12+12+4, b.Machine.Stats().Seals, "a wrong code makes four more")
}

func TestADeadlineIsReadFromTheBody(t *testing.T) {
	t.Parallel()
	store := &tampered{Store: memory.New()}
	b := fsmtest.NewWith(t, carrierfsm.Config{Store: store}) // without a Sealer nothing else tells
	b.Reach("10002")
	for _, due := range []time.Time{{}, b.Clock.Now().Add(1000 * time.Hour)} {
		store.set(func(r *carrierfsm.Record) { r.Due = due }, nil)
		b.Clock.Advance(time.Minute)
		require.Equal(t, carrierfsm.CaptchaRequested, b.Get().Reason)
	}
	b.Clock.Advance(72 * time.Hour)
	_, err := b.Captcha("500009")
	require.ErrorIs(t, err, carrierfsm.ErrNotAwaited)
	require.Zero(t, b.Upstream.Arrivals("500009"))
	require.Equal(t, carrierfsm.Expired, b.Get().Reason)
}

// withoutReseal is a store that can't replace details.
type withoutReseal struct{ carrierfsm.Store }

func TestWhereDetailsCantBeReplacedWhatIsNotBoundIsStillRefused(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	refuse := strict(t, withoutReseal{earlier(t)})
	accept := refuse
	accept.RefuseUnbound, accept.AcceptPlain = false, true
	migrating, refusing := machine(t, accept), machine(t, refuse)
	for _, id := range []string{"v1", "v2"} {
		require.NoError(t, migrating.Reseal(ctx, id))
		_, err := migrating.History(ctx, id)
		require.NoError(t, err)
		_, err = refusing.Get(ctx, id)
		require.NoError(t, err, "the record is bound")
		list, err := refusing.History(ctx, id)
		require.ErrorIs(t, err, carrierfsm.ErrForged, "what an earlier build wrote of its history is not")
		require.NotEmpty(t, list)
	}
	entries, err := refuse.Store.History(ctx, "v2", 0, 1)
	require.NoError(t, err)
	refuse.AcceptPlain = true // as its own tombstone's detail is
	_, err = machine(t, refuse).Decode(ctx, entries[0])
	require.ErrorContains(t, err, "could not be checked", "an erased entry")
}

func TestABoundHistoryHasNoPlainDetailEvenDuringAMigration(t *testing.T) {
	t.Parallel()
	store := &tampered{Store: memory.New()}
	b := fsmtest.NewWith(t, carrierfsm.Config{Store: store, Sealer: sealer(t), AcceptPlain: true})
	b.Reach("10002")
	store.set(nil, func(list []carrierfsm.Entry) []carrierfsm.Entry {
		list[1].Detail = []byte("{}")
		return list
	})
	_, err := b.Machine.History(context.Background(), b.ID)
	require.ErrorIs(t, err, carrierfsm.ErrForged)
	require.ErrorContains(t, err, "step 2 is not sealed as its record is")
}
