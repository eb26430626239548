package proof_test

import (
	"context"
	"errors"
	"reflect"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/fsmtest"
	"github.com/carrierfsm/carrierfsm/outbox"
	"github.com/carrierfsm/carrierfsm/store/memory"
)

// Whoever can write the database changes one thing in it. With a Sealer each change is
// told, and nothing is sent.

// tampered is a store whose reader gets something else than was written.
type tampered struct {
	*memory.Store
	mu      sync.Mutex
	record  func(*carrierfsm.Record)
	entries func([]carrierfsm.Entry) []carrierfsm.Entry
}

func (s *tampered) Load(ctx context.Context, id string) (carrierfsm.Record, error) {
	r, err := s.Store.Load(ctx, id)
	s.mu.Lock()
	defer s.mu.Unlock()
	if err == nil && s.record != nil {
		s.record(&r)
	}
	return r, err
}

func (s *tampered) Due(ctx context.Context, now time.Time, after carrierfsm.PageKey, limit int) ([]carrierfsm.Record, error) {
	list, err := s.Store.Due(ctx, now, after, limit)
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range list {
		if s.record != nil {
			s.record(&list[i])
		}
	}
	return list, err
}

func (s *tampered) History(ctx context.Context, id string, after, limit int) ([]carrierfsm.Entry, error) {
	list, err := s.Store.History(ctx, id, after, limit)
	s.mu.Lock()
	defer s.mu.Unlock()
	if err == nil && s.entries != nil {
		list = s.entries(list)
	}
	return list, err
}

func (s *tampered) Pending(ctx context.Context, l outbox.Lease, limit int) (outbox.Batch, error) {
	b, err := s.Store.Pending(ctx, l, limit)
	s.mu.Lock()
	defer s.mu.Unlock()
	if err == nil && s.entries != nil {
		b.Entries = s.entries(b.Entries)
	}
	return b, err
}

func (s *tampered) set(record func(*carrierfsm.Record), entries func([]carrierfsm.Entry) []carrierfsm.Entry) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.record, s.entries = record, entries
}

// subject is a verification in one of the states that matter.
type subject struct {
	*fsmtest.Bench
	store *tampered
	other *fsmtest.Bench // another process, which has no record in memory
}

// subjects returns a sealed verification that waits for a code, one that is done, and
// one that was erased.
func subjects(t *testing.T) map[string]subject {
	t.Helper()
	all := make(map[string]subject)
	for name, end := range map[string]func(*fsmtest.Bench){
		"waiting": func(*fsmtest.Bench) {},
		"done": func(b *fsmtest.Bench) {
			b.Upstream.Then(fsmtest.Code("10008"))
			b.Must(b.Captcha("500001"))
		},
		"erased": func(b *fsmtest.Bench) { require.NoError(t, b.Machine.Erase(context.Background(), b.ID)) },
	} {
		store := &tampered{Store: memory.New()}
		b := fsmtest.NewWith(t, carrierfsm.Config{Store: store, Sealer: sealer(t), Deployment: "test"})
		b.Reach("10002")
		end(b)
		all[name] = subject{b, store, b.Replica()}
	}
	return all
}

// columnNames are what error texts call the fields of a Record and an Entry.
var columnNames = map[string]string{
	"ID": "id", "State": "state", "Step": "step", "Version": "version", "Table": "table", "Source": "source", "Reason": "reason",
	"InFlight": "in_flight", "Due": "due", "Created": "created", "Updated": "updated", "Key": "key", "CommitID": "commit_id",
	"From": "from", "Event": "event", "To": "to", "At": "at", "Dwell": "dwell",
}

// changes returns for each way to change a field a function that does.
func changes(t *testing.T, kind reflect.Type, of string) map[string]func(reflect.Value) {
	t.Helper()
	switch kind {
	case reflect.TypeFor[time.Time]():
		return map[string]func(reflect.Value){
			"removed": func(v reflect.Value) { v.Set(reflect.ValueOf(time.Time{})) },
			"later": func(v reflect.Value) {
				v.Set(reflect.ValueOf(v.Interface().(time.Time).Add(time.Microsecond)))
			},
		}
	case reflect.TypeFor[[16]byte]():
		return map[string]func(reflect.Value){"changed": func(v reflect.Value) { v.Index(3).SetUint(v.Index(3).Uint() ^ 1) }}
	}
	switch kind.Kind() {
	case reflect.String:
		all := map[string]func(reflect.Value){"changed": func(v reflect.Value) { v.SetString(v.String() + "x") }}
		for _, word := range []string{"", "done", "failed", "created", "awaiting_password", "erased", "collection_started", "chinaunicom"} {
			all["'"+word+"'"] = func(v reflect.Value) { v.SetString(word) }
		}
		return all
	case reflect.Int, reflect.Int64:
		return map[string]func(reflect.Value){
			"one more": func(v reflect.Value) { v.SetInt(v.Int() + 1) },
			"one less": func(v reflect.Value) { v.SetInt(v.Int() - 1) },
		}
	case reflect.Bool:
		return map[string]func(reflect.Value){"turned": func(v reflect.Value) { v.SetBool(!v.Bool()) }}
	case reflect.Slice:
		return map[string]func(reflect.Value){
			"damaged": func(v reflect.Value) { v.SetBytes(append(v.Bytes()[:v.Len()-1:v.Len()-1], v.Bytes()[v.Len()-1]^1)) },
			"removed": func(v reflect.Value) { v.SetBytes(nil) },
			"empty":   func(v reflect.Value) { v.SetBytes([]byte("{}")) },
			"plain":   func(v reflect.Value) { v.SetBytes([]byte(`{"ask":"captcha","token":"attackers"}`)) },
		}
	}
	t.Fatalf("%s.%v: nobody has said how it is changed", of, kind)
	return nil
}

func TestEachChangedColumnOfARecordIsTold(t *testing.T) {
	t.Parallel()
	for name, s := range subjects(t) {
		kind := reflect.TypeFor[carrierfsm.Record]()
		for i := range kind.NumField() {
			field := kind.Field(i)
			if field.Name == "Previous" || field.Name == "Spends" {
				continue // they are not stored
			}
			for how, change := range changes(t, field.Type, "Record."+field.Name) {
				what := name + ", " + field.Name + " " + how
				stored := s.Record()
				before := reflect.ValueOf(&stored).Elem().Field(i).Interface()
				s.store.set(func(r *carrierfsm.Record) { change(reflect.ValueOf(r).Elem().Field(i)) }, nil)
				now := s.Record()
				s.requireTold(t, what, columnNames[field.Name], reflect.DeepEqual(before, reflect.ValueOf(now).Field(i).Interface()))
				s.store.set(nil, nil)
			}
		}
	}
}

// requireTold checks that all that reads the record says that it was changed.
func (s subject) requireTold(t *testing.T, what, column string, same bool) {
	t.Helper()
	ctx := context.Background()
	_, err := s.Machine.Get(ctx, s.ID)
	if same {
		require.NoError(t, err, what)
		return
	}
	for call, err := range map[string]error{
		"Get":     err,
		"Read":    second(s.Machine.Read(ctx, s.ID)),
		"History": second(s.Machine.History(ctx, s.ID)),
		"Reseal":  s.Machine.Reseal(ctx, s.ID),
		"Submit":  second(s.other.Submit(carrierfsm.Captcha{Step: 3, Code: carrierfsm.NewSecret("500001"), Password: carrierfsm.NewSecret("246810")})),
	} {
		require.Error(t, err, "%s: %s", what, call)
		require.True(t, anyOf(err, carrierfsm.ErrSealed, carrierfsm.ErrCorrupt, carrierfsm.ErrNewerTable), "%s: %s: %v", what, call, err)
		if anyOf(err, carrierfsm.ErrForged) && column != "" {
			require.ErrorContains(t, err, column, what)
		}
	}
}

func second[T any](_ T, err error) error { return err }

func anyOf(err error, kinds ...error) bool {
	return slices.ContainsFunc(kinds, func(kind error) bool { return errors.Is(err, kind) })
}

func TestEachChangedColumnOfAnEntryIsTold(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	for name, s := range subjects(t) {
		kind := reflect.TypeFor[carrierfsm.Entry]()
		for n := range s.History() {
			for i := range kind.NumField() {
				field := kind.Field(i)
				if field.Name == "Position" {
					continue // the store's: it orders the deliveries
				}
				for how, change := range changes(t, field.Type, "Entry."+field.Name) {
					if name == "erased" && n < 3 && field.Name == "Detail" && how != "plain" && how != "empty" {
						continue // there is nothing to damage
					}
					if name == "erased" && n < 3 && (field.Name == "Source" || field.Name == "Dwell") {
						continue // they are proven by the detail, which was erased
					}
					list, err := s.store.Store.History(ctx, s.ID, n, 1)
					require.NoError(t, err)
					changed := list[0]
					change(reflect.ValueOf(&changed).Elem().Field(i))
					if reflect.DeepEqual(list[0], changed) {
						continue
					}
					s.store.set(nil, func(all []carrierfsm.Entry) []carrierfsm.Entry {
						all[n] = changed
						return all
					})
					what := name + ", " + field.Name + " " + how
					_, err = s.Machine.History(ctx, s.ID)
					require.ErrorIs(t, err, carrierfsm.ErrSealed, what)
					if field.Name != "ID" {
						_, err = s.Machine.Decode(ctx, changed)
						require.ErrorIs(t, err, carrierfsm.ErrSealed, what)
					}
					s.store.set(nil, nil)
				}
			}
		}
	}
}

func TestAMissingAddedOrSwappedRowOfHistoryIsTold(t *testing.T) {
	t.Parallel()
	type list = []carrierfsm.Entry
	for name, s := range subjects(t) {
		genuine := s.History()
		for how, c := range map[string]struct {
			change func(list) list
			says   string
		}{
			"the first is missing": {func(l list) list { return l[1:] }, "step 1 is missing"},
			"a gap":                {func(l list) list { return slices.Delete(l, 1, 2) }, "step 2 is missing"},
			"the tail is missing":  {func(l list) list { return l[:len(l)-2] }, "missing"},
			"all are missing":      {func(l list) list { return nil }, "missing"},
			"one is twice":         {func(l list) list { return slices.Insert(l, 1, l[0]) }, "step 1 is not of this verification"},
			"two are swapped":      {func(l list) list { l[0], l[1] = l[1], l[0]; return l }, "step 1 is missing"},
			"two have swapped their steps": {func(l list) list {
				l[0], l[1] = l[1], l[0]
				l[0].Step, l[1].Step = 1, 2
				return l
			}, ""},
			"one more, blank": {func(l list) list {
				last := l[len(l)-1]
				last.Step, last.Detail = last.Step+1, nil
				return append(l, last)
			}, "is not of this verification"},
		} {
			s.store.set(nil, c.change)
			history, err := s.Machine.History(context.Background(), s.ID)
			require.ErrorIs(t, err, carrierfsm.ErrForged, "%s, %s", name, how)
			require.ErrorContains(t, err, c.says, "%s, %s", name, how)
			require.NotEqual(t, genuine, history)
			s.store.set(nil, nil)
			require.Equal(t, genuine, s.History())
		}
	}
}

func TestAHandlerGetsNoForgedTransition(t *testing.T) {
	t.Parallel()
	sealedElsewhere := []byte("another entry's")
	for how, detail := range map[string][]byte{"blank": nil, "plain": []byte("{}"), "of another form": []byte("S12"), "its own": sealedElsewhere} {
		synctest.Test(t, func(t *testing.T) {
			store := &tampered{Store: memory.New()}
			b := fsmtest.NewWith(t, carrierfsm.Config{Now: time.Now, Store: store, Sealer: sealer(t)})
			b.Reach("10002")
			store.set(nil, func(list []carrierfsm.Entry) []carrierfsm.Entry {
				for i := range list {
					if e := &list[i]; e.Step == 2 {
						e.From, e.Event, e.To = carrierfsm.AwaitingCaptcha, carrierfsm.CollectionStarted, carrierfsm.Done
						if how != "its own" {
							e.Detail = detail
						}
					}
				}
				return list
			})
			var got []int
			d := b.Dispatcher(outbox.Config{
				Handlers: map[string]outbox.Handler{"h": func(_ context.Context, tr carrierfsm.Transition) error {
					got = append(got, tr.Step)
					return nil
				}},
				Starts: map[string]outbox.Start{"h": outbox.FromBeginning},
			})
			ctx, cancel := context.WithCancel(context.Background())
			ended := make(chan error, 1)
			go func() { ended <- d.Run(ctx) }()
			pass(time.Minute)
			rows, err := d.Parked(ctx, outbox.ParkedQuery{})
			require.NoError(t, err)
			require.Equal(t, []int{1}, got, how)
			require.Equal(t, "unreadable", rows[0].Why, how)
			require.Equal(t, 2, rows[0].Step, how)
			store.set(nil, nil)
			pass(time.Hour)
			require.Equal(t, []int{1, 2, 3}, got, how)
			cancel()
			require.NoError(t, <-ended)
		})
	}
}

func TestAnErasedHistoryIsDeliveredAndStaysProven(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	s := subjects(t)["erased"]
	entries, err := s.store.Store.History(ctx, s.ID, 0, 10)
	require.NoError(t, err)
	for i, e := range entries {
		require.Equal(t, i < 3, e.Detail == nil)
		tr, err := s.Machine.Decode(ctx, e)
		require.NoError(t, err)
		require.Equal(t, e.Event, tr.Event)
	}
}
