package sharded_test

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/budget"
	"github.com/carrierfsm/carrierfsm/outbox"
	"github.com/carrierfsm/carrierfsm/store/acts"
	"github.com/carrierfsm/carrierfsm/store/audit"
	"github.com/carrierfsm/carrierfsm/store/sharded"
	"github.com/carrierfsm/carrierfsm/store/survey"
)

var noon = time.Date(2030, 6, 1, 12, 0, 0, 0, time.UTC)

// The contract of a store chooses ids and keys freely, and a sharded store takes a key
// only beside an id of its slot. placed gives the keys of the contract another end, so
// that each is of the slot of its id. In the cases that are about keys all ids are of one
// slot; in all others they are where their hash says.
type placed struct {
	*sharded.Store
	slot int      // of all ids; -1 for their own
	keys sync.Map // from the fitting key to the contract's
}

// keyed are the cases of the contract in which several ids have one key, or a key is
// asked for by itself, and the one that asks for the oldest acts of all.
var keyed = []string{
	"ActPurge", "DuplicateKey", "OneKeyHolder", "Model", "OutboxModel", "ListFilters",
	"Spends", "SpendsTogether", "SpendsOnce", "GivesBack", "Window", "LedgersStay", "SpendBounds", "CreateSpends", "OneBudget", "OthersBudget",
}

const placedSlots = 16

func place(tb testing.TB, c sharded.Config) *placed {
	tb.Helper()
	c.Slots = placedSlots
	p := &placed{Store: open(tb, c), slot: -1}
	name := tb.Name()[strings.LastIndex(tb.Name(), "/")+1:]
	if slices.Contains(keyed, name) {
		p.slot = 5
	}
	return p
}

const prefixLength = len("s005-")

func (p *placed) id(id string) string {
	if p.slot < 0 {
		return id
	}
	return "s00" + strconv.FormatInt(int64(p.slot), 16) + "-" + id
}

func (p *placed) bare(id string) string {
	if p.slot < 0 {
		return id
	}
	return id[prefixLength:]
}

// key returns the key with an end that makes it fit the id; a long one keeps its length.
func (p *placed) key(id, key string) string {
	if key == "" {
		return key
	}
	for n := range 10_000 {
		end := "~" + strconv.Itoa(n)
		fitting := key + end
		if len(key) >= 120 {
			fitting = key[:len(key)-len(end)] + end
		}
		if p.PlaceID("", fitting) == p.prefix(id) {
			p.keys.Store(fitting, key)
			return fitting
		}
	}
	return key
}

func (p *placed) bareKey(key string) string {
	if original, ok := p.keys.Load(key); ok {
		return original.(string)
	}
	key, _, _ = strings.Cut(key, "~") // of the store before the crash
	return key
}

// prefix returns the prefix of the slot of an id.
func (p *placed) prefix(id string) string {
	if p.slot >= 0 {
		return p.id("")
	}
	return p.PlaceID(id, "")[:prefixLength]
}

func (p *placed) in(r carrierfsm.Record, entries []carrierfsm.Entry) (carrierfsm.Record, []carrierfsm.Entry) {
	r.Key = p.key(r.ID, r.Key)
	r.Spends = slices.Clone(r.Spends)
	for i := range r.Spends {
		r.Spends[i].Key = p.key(r.ID, r.Spends[i].Key)
	}
	r.ID = p.id(r.ID)
	entries = slices.Clone(entries)
	for i := range entries {
		entries[i].ID = p.id(entries[i].ID)
	}
	return r, entries
}

func (p *placed) out(r carrierfsm.Record) carrierfsm.Record {
	r.ID, r.Key = p.bare(r.ID), p.bareKey(r.Key)
	return r
}

func (p *placed) outEntries(list []carrierfsm.Entry) []carrierfsm.Entry {
	for i := range list {
		list[i].ID = p.bare(list[i].ID)
	}
	return list
}

func (p *placed) outRecords(list []carrierfsm.Record) []carrierfsm.Record {
	for i := range list {
		list[i] = p.out(list[i])
	}
	return list
}

func (p *placed) Create(ctx context.Context, r carrierfsm.Record, entries ...carrierfsm.Entry) error {
	r, entries = p.in(r, entries)
	return p.Store.Create(ctx, r, entries...)
}

func (p *placed) Load(ctx context.Context, id string) (carrierfsm.Record, error) {
	r, err := p.Store.Load(ctx, p.id(id))
	if err != nil {
		return r, err
	}
	return p.out(r), nil
}

func (p *placed) Commit(ctx context.Context, r carrierfsm.Record, entries ...carrierfsm.Entry) error {
	r, entries = p.in(r, entries)
	return p.Store.Commit(ctx, r, entries...)
}

func (p *placed) Erase(ctx context.Context, r carrierfsm.Record, entries ...carrierfsm.Entry) error {
	r, entries = p.in(r, entries)
	return p.Store.Erase(ctx, r, entries...)
}

func (p *placed) Reseal(ctx context.Context, r carrierfsm.Record, details ...carrierfsm.Entry) error {
	r, details = p.in(r, details)
	return p.Store.Reseal(ctx, r, details...)
}

func (p *placed) History(ctx context.Context, id string, afterStep, limit int) ([]carrierfsm.Entry, error) {
	list, err := p.Store.History(ctx, p.id(id), afterStep, limit)
	return p.outEntries(list), err
}

func (p *placed) List(ctx context.Context, q carrierfsm.Query) ([]carrierfsm.Record, error) {
	if q.Key != "" {
		q.Key = p.key("", q.Key)
	}
	if q.After != (carrierfsm.PageKey{}) {
		q.After.ID = p.id(q.After.ID)
	}
	list, err := p.Store.List(ctx, q)
	return p.outRecords(list), err
}

func (p *placed) Due(ctx context.Context, now time.Time, after carrierfsm.PageKey, limit int) ([]carrierfsm.Record, error) {
	if after != (carrierfsm.PageKey{}) {
		after.ID = p.id(after.ID)
	}
	list, err := p.Store.Due(ctx, now, after, limit)
	return p.outRecords(list), err
}

func (p *placed) Ledger(ctx context.Context, key string) (budget.Ledger, error) {
	return p.Store.Ledger(ctx, p.key("", key))
}

func (p *placed) rows(list []outbox.Parked, rename func(string) string) []outbox.Parked {
	list = slices.Clone(list)
	for i := range list {
		list[i].ID = rename(list[i].ID)
	}
	return list
}

func (p *placed) Pending(ctx context.Context, l outbox.Lease, limit int) (outbox.Batch, error) {
	b, err := p.Store.Pending(ctx, l, limit)
	b.Entries = p.outEntries(b.Entries)
	parked := make(map[string]outbox.Parked)
	for id, row := range b.Parked {
		row.ID = p.bare(id)
		parked[row.ID] = row
	}
	b.Parked = parked
	return b, err
}

func (p *placed) Advance(ctx context.Context, l outbox.Lease, b outbox.Batch, n int, rows []outbox.Parked) error {
	b.Entries = slices.Clone(b.Entries)
	for i := range b.Entries {
		b.Entries[i].ID = p.id(b.Entries[i].ID)
	}
	return p.Store.Advance(ctx, l, b, n, p.rows(rows, p.id))
}

func (p *placed) Park(ctx context.Context, rows []outbox.Parked) error {
	return p.Store.Park(ctx, p.rows(rows, p.id))
}

func (p *placed) Parked(ctx context.Context, q outbox.ParkedQuery) ([]outbox.Parked, error) {
	if q.ID != "" {
		q.ID = p.id(q.ID)
	}
	ids := q.IDs
	q.IDs = nil
	for _, id := range ids {
		q.IDs = append(q.IDs, p.id(id))
	}
	if q.After != (outbox.ParkedKey{}) {
		q.After.ID = p.id(q.After.ID)
	}
	list, err := p.Store.Parked(ctx, q)
	return p.rows(list, p.bare), err
}

func (p *placed) Survey(ctx context.Context, from, until time.Time, limit int) ([]survey.Timeline, error) {
	list, err := p.Store.Survey(ctx, from, until, limit)
	for i := range list {
		list[i].Record, list[i].Entries = p.out(list[i].Record), p.outEntries(list[i].Entries)
	}
	return list, err
}

func (p *placed) Audit(ctx context.Context, limit int) ([]audit.Finding, error) {
	list, err := p.Store.Audit(ctx, limit)
	for i := range list {
		list[i].ID = p.bare(list[i].ID)
	}
	return list, err
}

func (p *placed) LogAct(ctx context.Context, a acts.Act) error {
	a.ID = p.id(a.ID)
	return p.Store.LogAct(ctx, a)
}

func (p *placed) EndAct(ctx context.Context, id string, outcome acts.Outcome, count int) error {
	return p.Store.EndAct(ctx, p.id(id), outcome, count)
}

func (p *placed) Acts(ctx context.Context, q acts.Query) ([]acts.Act, error) {
	if q.After != (carrierfsm.PageKey{}) {
		q.After.ID = p.id(q.After.ID)
	}
	list, err := p.Store.Acts(ctx, q)
	for i := range list {
		list[i].ID = p.bare(list[i].ID)
	}
	return list, err
}
