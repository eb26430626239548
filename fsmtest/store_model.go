package fsmtest

import (
	"cmp"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/outbox"
)

var modelCases = []storeCase{
	{"Model", "any sequence of calls returns what a simple model of a store returns", likeModel},
}

func likeModel(b *storeBench) error {
	return b.walk(rand.New(rand.NewPCG(1, 2)).IntN, 600, nil) //nolint:gosec // the same walk each time
}

func outboxLikeModel(b *storeBench) error {
	r, err := b.acquire("reader", "one", outbox.FromBeginning)
	if err != nil {
		return err
	}
	return b.walk(rand.New(rand.NewPCG(3, 4)).IntN, 600, r) //nolint:gosec // as above
}

// storeModel is a simple store: each call scans everything.
type storeModel struct {
	records map[string]carrierfsm.Record
	history map[string][]carrierfsm.Entry
	unread  map[string]int // by id, how many entries the reader has passed
}

func (m *storeModel) keyTaken(r carrierfsm.Record) bool {
	for _, other := range m.records {
		if r.Key != "" && other.Key == r.Key && other.ID != r.ID {
			return true
		}
	}
	return false
}

func (m *storeModel) create(r carrierfsm.Record) error {
	if _, exists := m.records[r.ID]; exists {
		return carrierfsm.ErrExists
	}
	if m.keyTaken(r) {
		return carrierfsm.ErrKeyInUse
	}
	m.records[r.ID] = r
	return nil
}

func (m *storeModel) commit(r carrierfsm.Record, e carrierfsm.Entry, erase bool) error {
	stored, exists := m.records[r.ID]
	switch {
	case !exists:
		return carrierfsm.ErrNotFound
	case stored.Version != r.Version-1:
		return carrierfsm.ErrConflict
	case m.keyTaken(r):
		return carrierfsm.ErrKeyInUse
	}
	for i := range m.history[r.ID] {
		if erase {
			m.history[r.ID][i].Detail = nil
		}
	}
	m.records[r.ID] = r
	m.history[r.ID] = append(m.history[r.ID], e)
	return nil
}

func (m *storeModel) purge(before time.Time) (n int) {
	for id, r := range m.records {
		if r.State.Terminal() && r.Updated.Before(before) {
			delete(m.records, id)
			delete(m.history, id)
			delete(m.unread, id)
			n++
		}
	}
	return n
}

// selected returns the records that are wanted, in the order of compare.
func (m *storeModel) selected(wanted func(carrierfsm.Record) bool, compare func(a, b carrierfsm.Record) int) (list []carrierfsm.Record) {
	for _, r := range m.records {
		if wanted(r) {
			list = append(list, r)
		}
	}
	slices.SortFunc(list, compare)
	return list
}

// walker makes calls to the store and to the model, as choose decides.
type walker struct {
	*storeBench
	model  storeModel
	choose func(n int) int // returns 0 to n-1
	ticks  int
	reader *reader // of an outbox; nil where none is tested
}

// walk makes so many calls and compares each result with the model's.
func (b *storeBench) walk(choose func(n int) int, calls int, r *reader) error {
	w := &walker{storeBench: b, choose: choose, reader: r, model: storeModel{
		records: make(map[string]carrierfsm.Record), history: make(map[string][]carrierfsm.Entry), unread: make(map[string]int),
	}}
	type kind struct {
		name string
		call func() error
	}
	kinds := []kind{
		{"Create", w.creates},
		{"Commit", w.commits},
		{"Commit", w.commits},
		{"Commit", w.commits},
		{"Erase", w.erases},
		{"Load", w.loads},
		{"History", w.pagesHistory},
		{"List", w.lists},
		{"Due", w.dues},
		{"Purge", w.purges},
	}
	if r != nil {
		kinds = append(kinds, kind{"Pending", w.reads})
	}
	for n := range calls {
		w.ticks++
		kind := kinds[choose(len(kinds))]
		if err := kind.call(); err != nil {
			return fmt.Errorf("call %d, %s: %w", n+1, kind.name, err)
		}
	}
	return nil
}

// now is the same for some calls, so that some records have equal times.
func (w *walker) now() time.Time { return noon.Add(time.Duration(w.ticks/4) * time.Second) }

func (w *walker) id() string { return string(rune('a' + w.choose(6))) }

// vary chooses the columns that a commit may change.
func (w *walker) vary(r carrierfsm.Record) carrierfsm.Record {
	r.State = carrierfsm.States()[w.choose(6)]
	r.InFlight = w.choose(2) == 0
	r.Source = []string{"", "jsyd", "zjyd"}[w.choose(3)]
	r.Key = []string{"", "", "one", "two"}[w.choose(4)]
	r.Updated = w.now()
	if r.Due = (time.Time{}); w.choose(3) > 0 {
		r.Due = noon.Add(time.Duration(w.choose(100)) * time.Second)
	}
	return r
}

func (w *walker) creates() error {
	r := w.vary(record(w.id()))
	r.Created = w.now()
	if _, exists := w.model.records[r.ID]; exists {
		r.Key = "" // the contract does not say which of the two errors is returned
	}
	return agree(w.model.create(r), w.Store.Create(w.ctx, r))
}

// nextOf returns a next commit of the id, sometimes with a wrong version.
func (w *walker) nextOf(id string) (carrierfsm.Record, carrierfsm.Entry) {
	stored, exists := w.model.records[id]
	if !exists {
		stored = record(id)
	}
	r, e := next(stored)
	varied := w.vary(r)
	e.To = varied.State
	if w.choose(5) == 0 {
		varied.Key = stored.Key
		varied.Version += int64(w.choose(3) - 1)
	}
	return varied, e
}

func (w *walker) commits() error {
	r, e := w.nextOf(w.id())
	return agree(w.model.commit(r, e, false), w.Store.Commit(w.ctx, r, e))
}

func (w *walker) erases() error {
	r, e := w.nextOf(w.id())
	return agree(w.model.commit(r, e, true), w.Store.Erase(w.ctx, r, e))
}

func (w *walker) loads() error {
	id := w.id()
	want, exists := w.model.records[id]
	got, err := w.Store.Load(w.ctx, id)
	if !exists {
		return agree(carrierfsm.ErrNotFound, err)
	}
	return first(err, equal("the record", want, got))
}

func (w *walker) pagesHistory() error {
	id, after, limit := w.id(), w.choose(4), w.choose(5)
	var want []carrierfsm.Entry
	for _, e := range w.model.history[id] {
		if e.Step > after && len(want) < limit {
			want = append(want, e)
		}
	}
	got, err := w.Store.History(w.ctx, id, after, limit)
	return first(err, equal("the entries", want, got))
}

// reads passes the entries that the reader has not passed.
func (w *walker) reads() error {
	got, err := w.reader.rest(1 + w.choose(10))
	if err != nil {
		return err
	}
	var want []carrierfsm.Entry
	for id, list := range w.model.history {
		want = append(want, list[w.model.unread[id]:]...)
		w.model.unread[id] = len(list)
	}
	for i := range got {
		got[i].Position = 0
	}
	byName := func(a, b carrierfsm.Entry) int { return cmp.Compare(a.ID, b.ID) } // stable: keeps the order of the steps
	slices.SortStableFunc(got, byName)
	slices.SortStableFunc(want, byName)
	return equal("the entries since the last read", want, got)
}

func (w *walker) lists() error {
	q := carrierfsm.Query{InFlight: w.choose(3) == 0, Source: []string{"", "jsyd"}[w.choose(2)], Limit: 1 + w.choose(4)}
	for range w.choose(3) {
		q.States = append(q.States, carrierfsm.States()[w.choose(6)])
	}
	if r, exists := w.model.records[w.id()]; exists && w.choose(2) == 0 {
		q.After = carrierfsm.PageKey{Time: r.Created, ID: r.ID}
	}
	newest := func(a, b carrierfsm.Record) int {
		return cmp.Or(b.Created.Compare(a.Created), cmp.Compare(b.ID, a.ID))
	}
	want := w.model.selected(func(r carrierfsm.Record) bool {
		return (!q.InFlight || r.InFlight) && (q.Source == "" || r.Source == q.Source) &&
			(len(q.States) == 0 || slices.Contains(q.States, r.State)) &&
			(q.After.ID == "" || newest(r, carrierfsm.Record{ID: q.After.ID, Created: q.After.Time}) > 0)
	}, newest)
	want = want[:min(q.Limit, len(want))]
	for i := range want {
		want[i].Body = nil
	}
	got, err := w.Store.List(w.ctx, q)
	return first(err, equal(fmt.Sprintf("the records for %+v", q), want, got))
}

func (w *walker) dues() error {
	now, limit := noon.Add(time.Duration(w.choose(100))*time.Second), w.choose(4)
	var after carrierfsm.PageKey
	if r, exists := w.model.records[w.id()]; exists && w.choose(2) == 0 {
		after = carrierfsm.PageKey{Time: r.Due, ID: r.ID}
	}
	earliest := func(a, b carrierfsm.Record) int {
		return cmp.Or(a.Due.Compare(b.Due), cmp.Compare(a.ID, b.ID))
	}
	want := w.model.selected(func(r carrierfsm.Record) bool {
		return !r.Due.IsZero() && !r.Due.After(now) && earliest(r, carrierfsm.Record{ID: after.ID, Due: after.Time}) > 0
	}, earliest)
	want = want[:min(limit, len(want))]
	got, err := w.Store.Due(w.ctx, now, after, limit)
	return first(err, equal("the records due", want, got))
}

func (w *walker) purges() error {
	before := noon.Add(time.Duration(w.choose(w.ticks/4+1)) * time.Second)
	n, err := w.Store.Purge(w.ctx, before, 1000)
	return first(err, equal("the number purged", w.model.purge(before), n))
}

// agree checks that an error matches the model's.
func agree(want, got error) error {
	if (want == nil) != (got == nil) || !errors.Is(got, want) {
		return fmt.Errorf("the model returns %q, the store: %w", orNone(want).Error(), orNone(got))
	}
	return nil
}

// equal compares two values. An empty slice or map equals a nil one.
func equal[T any](what string, want, got T) error {
	if diff := gocmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
		return fmt.Errorf("%s differ (-want +got):\n%s", what, diff)
	}
	return nil
}
