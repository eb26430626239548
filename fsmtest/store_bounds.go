package fsmtest

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/carrierfsm/carrierfsm"
)

var boundCases = []storeCase{
	{"Extremes", "the longest words, the largest numbers, the first and the last time that the contract has are loaded as they were written", extremes},
	{"IllegalID", "an id that no record can have is not found, and has no history", illegalID},
	{"NumberCut", "a number that the store can't keep is refused with ErrInvalid, and nothing is written; it is never cut", numberCut},
	{"StepBeyond", "History after a step beyond the last returns nothing, and after a negative one everything", stepBeyond},
	{"QueryWords", "a word or an id that no record can have selects nothing and is no error", queryWords},
	{"QueryTimes", "times that select may be of any year and precision", queryTimes},
	{"QueryKeys", "the id of a page key may be any bytes, and compares as such", queryKeys},
	{"QueryLimits", "limits may be any number", queryLimits},
	{"Core", "whatever upstream replies and people submit, the store takes and returns all that the machine writes", coreWrites},
}

// illegalIDs are ids that no record can have.
var illegalIDs = []string{
	"", "\x00", "v1\x00", "v1\x00x", "\xff", "v1\xff", "v1\xc3", "v 1", " v1", "v1\n", "\x7f", "é", "测试", "\ud7ff",
	strings.Repeat("x", 129), strings.Repeat("x", 1<<16),
}

// Times beyond all that a record has.
var (
	farPast   = time.Unix(-1<<60, 0)
	farFuture = time.Unix(1<<60, 999_999_999)
)

// tooLarge returns numbers of which a store with columns of 32 bits would keep
// another one. On a platform of 32 bits there are none.
func tooLarge() (list []int) {
	for _, n := range []int64{math.MaxInt32 + 1, 1<<32 + 1, math.MaxInt64} {
		if int64(int(n)) == n {
			list = append(list, int(n))
		}
	}
	return list
}

func extremes(b *storeBench) error {
	longest := strings.Repeat("~", 128)
	r := record(longest)
	r.Key, r.Source, r.State, r.Reason = strings.Repeat("!", 128), strings.Repeat("中", 42), "a new state", carrierfsm.Event(longest)
	r.Step, r.Table = math.MaxInt32-1, math.MaxInt32
	r.Due, r.Created, r.Updated = time.UnixMicro(1).UTC(), time.UnixMicro(1).UTC(), time.Date(9999, 12, 31, 23, 59, 59, 999999000, time.UTC)
	r.CommitID = [16]byte{0xff}
	r.Body = []byte{0, 0xff}
	if err := b.Store.Create(b.ctx, r); err != nil {
		return err
	}
	last := r
	last.Version++
	last.Step = math.MaxInt32
	last.Due = r.Updated
	e := carrierfsm.Entry{
		ID: longest, Step: math.MaxInt32, From: "from", Event: carrierfsm.Event(longest), To: carrierfsm.State(longest),
		At: r.Updated, Source: r.Source, Dwell: 1<<63 - 1 - (1<<63-1)%time.Microsecond, Detail: []byte{0, 0xff, 0},
	}
	if err := b.Store.Commit(b.ctx, last, e); err != nil {
		return err
	}
	stored, err := b.Store.Load(b.ctx, longest)
	if err = first(err, equal("the record", last, stored)); err != nil {
		return err
	}
	entries, err := b.Store.History(b.ctx, longest, math.MaxInt32-1, 10)
	if err = first(err, equal("the entries", []carrierfsm.Entry{e}, entries)); err != nil {
		return err
	}
	due, err := b.Store.Due(b.ctx, farFuture, carrierfsm.PageKey{}, 10)
	return first(err, differ("the ids due", []string{longest}, idsOf(due)))
}

func illegalID(b *storeBench) error {
	if _, err := b.create("v1", 1); err != nil {
		return err
	}
	for _, id := range illegalIDs {
		r, e := next(record(id))
		_, load := b.Store.Load(b.ctx, id)
		err := first(
			want("Load", load, carrierfsm.ErrNotFound),
			want("Commit", b.Store.Commit(b.ctx, r, e), carrierfsm.ErrNotFound),
			want("Erase", b.Store.Erase(b.ctx, r, e), carrierfsm.ErrNotFound),
			b.hasHistory(id, 0),
		)
		if err != nil {
			return fmt.Errorf("for the id %.20q: %w", id, err)
		}
	}
	return nil
}

func numberCut(b *storeBench) error {
	r, err := b.create("v1", 1)
	if err != nil {
		return err
	}
	for _, n := range tooLarge() {
		step, table := record("step"), record("table")
		step.Step, table.Table = n, n
		for _, large := range []carrierfsm.Record{step, table} {
			if err := b.keptOrRefused(large); err != nil {
				return fmt.Errorf("creating a record with a %s of %d: %w", large.ID, n, err)
			}
		}
		after, e := next(r)
		e.Step = n
		err := b.Store.Commit(b.ctx, after, e)
		if err == nil {
			continue // a store of 64 bits
		}
		if err = first(want(fmt.Sprintf("writing an entry with a step of %d", n), err, carrierfsm.ErrInvalid), b.stores(r)); err != nil {
			return err
		}
	}
	return nil
}

// keptOrRefused creates a record with a number beyond the contract.
func (b *storeBench) keptOrRefused(large carrierfsm.Record) error {
	err := b.Store.Create(b.ctx, large)
	stored, load := b.Store.Load(b.ctx, large.ID)
	if err == nil {
		return first(load, equal("the record", large, stored))
	}
	return first(want("Create", err, carrierfsm.ErrInvalid), want("Load", load, carrierfsm.ErrNotFound))
}

func stepBeyond(b *storeBench) error {
	if _, err := b.create("v1", 3); err != nil {
		return err
	}
	for _, after := range append(tooLarge(), 3, math.MaxInt32) {
		entries, err := b.Store.History(b.ctx, "v1", after, 10)
		if err = first(err, differ(fmt.Sprintf("the number of entries after step %d", after), 0, len(entries))); err != nil {
			return err
		}
	}
	for _, after := range []int{-1, math.MinInt32, math.MinInt} {
		entries, err := b.Store.History(b.ctx, "v1", after, 10)
		if err = first(err, differ(fmt.Sprintf("the number of entries after step %d", after), 3, len(entries))); err != nil {
			return err
		}
	}
	return nil
}

func queryWords(b *storeBench) error {
	if _, err := b.create("v1", 0); err != nil {
		return err
	}
	for _, word := range []string{"\x00", "chinamobilejs\x00", "\xff", "chinamobilejs\xff", "'", strings.Repeat("x", 1<<16)} {
		for _, q := range []carrierfsm.Query{
			{Source: word},
			{Reason: carrierfsm.Event(word)},
			{States: []carrierfsm.State{carrierfsm.State(word)}},
		} {
			list, err := b.Store.List(b.ctx, q)
			if err = first(err, differ(fmt.Sprintf("the ids for %.40q", word), nil, idsOf(list))); err != nil {
				return err
			}
		}
		list, err := b.Store.List(b.ctx, carrierfsm.Query{States: []carrierfsm.State{carrierfsm.State(word), carrierfsm.Created}})
		if err = first(err, differ("the ids for an illegal state and another", []string{"v1"}, idsOf(list))); err != nil {
			return err
		}
	}
	return nil
}

func queryTimes(b *storeBench) error {
	r := record("v1")
	r.State, r.Due, r.Updated = carrierfsm.Done, noon, noon
	if _, err := b.put(r, 0); err != nil { // due, created and updated at noon
		return err
	}
	late, early := noon.Add(time.Nanosecond), noon.Add(-time.Nanosecond)
	for _, c := range []struct {
		what  string
		q     carrierfsm.Query
		match bool
	}{
		{"created after the far past", carrierfsm.Query{CreatedAfter: farPast}, true},
		{"created after the far future", carrierfsm.Query{CreatedAfter: farFuture}, false},
		{"created before the far past", carrierfsm.Query{CreatedBefore: farPast}, false},
		{"created before the far future", carrierfsm.Query{CreatedBefore: farFuture}, true},
		{"updated before the far past", carrierfsm.Query{UpdatedBefore: farPast}, false},
		{"updated before the far future", carrierfsm.Query{UpdatedBefore: farFuture}, true},
		{"created after a nanosecond before", carrierfsm.Query{CreatedAfter: early}, true},
		{"created after a nanosecond later", carrierfsm.Query{CreatedAfter: late}, false},
		{"created before a nanosecond before", carrierfsm.Query{CreatedBefore: early}, false},
		{"created before a nanosecond later", carrierfsm.Query{CreatedBefore: late}, true},
		{"updated before a nanosecond later", carrierfsm.Query{UpdatedBefore: late}, true},
		{"a page after the far future", carrierfsm.Query{After: carrierfsm.PageKey{Time: farFuture}}, true},
		{"a page after the far past", carrierfsm.Query{After: carrierfsm.PageKey{Time: farPast, ID: "v2"}}, false},
	} {
		list, err := b.Store.List(b.ctx, c.q)
		if err = first(err, differ("whether List finds "+c.what, c.match, len(list) == 1)); err != nil {
			return err
		}
	}
	for now, match := range map[time.Time]bool{farPast: false, early: false, noon: true, late: true, farFuture: true} {
		list, err := b.Store.Due(b.ctx, now, carrierfsm.PageKey{}, 10)
		if err = first(err, differ(fmt.Sprintf("whether it is due at %v", now), match, len(list) == 1)); err != nil {
			return err
		}
	}
	for _, c := range []struct {
		before time.Time
		want   int
	}{{farPast, 0}, {noon, 0}, {late, 1}} {
		n, err := b.Store.Purge(b.ctx, c.before, 10)
		if err = first(err, differ(fmt.Sprintf("the number purged before %v", c.before), c.want, n)); err != nil {
			return err
		}
	}
	if _, err := b.put(r, 0); err != nil {
		return err
	}
	n, err := b.Store.Purge(b.ctx, farFuture, 10)
	return first(err, differ("the number purged before the far future", 1, n))
}

func queryKeys(b *storeBench) error {
	for _, id := range []string{"a", "b", "c"} {
		if _, err := b.create(id, 0); err != nil {
			return err
		}
	}
	for key, want := range map[string][2][]string{ // by List before it, by Due after it
		"":       {nil, {"a", "b", "c"}},
		"a":      {nil, {"b", "c"}},
		"a\x00":  {{"a"}, {"b", "c"}},
		"b\xff":  {{"b", "a"}, {"c"}},
		"b\x00c": {{"b", "a"}, {"c"}},
		"\xff":   {{"c", "b", "a"}, nil},
		"测试":     {{"c", "b", "a"}, nil},
		"\x00":   {nil, {"a", "b", "c"}},
	} {
		list, err := b.Store.List(b.ctx, carrierfsm.Query{After: carrierfsm.PageKey{Time: noon, ID: key}})
		due, err2 := b.Store.Due(b.ctx, farFuture, carrierfsm.PageKey{Time: noon.Add(time.Hour), ID: key}, 10)
		if err := first(err, err2,
			differ(fmt.Sprintf("the ids of List after %q", key), want[0], idsOf(list)),
			differ(fmt.Sprintf("the ids of Due after %q", key), want[1], idsOf(due)),
		); err != nil {
			return err
		}
	}
	return nil
}

func queryLimits(b *storeBench) error {
	r := record("v1")
	r.State = carrierfsm.Done
	if _, err := b.put(r, 1); err != nil {
		return err
	}
	for _, limit := range []int{math.MinInt, -1, 0, 1, math.MaxInt32, math.MaxInt} {
		want := min(max(limit, 0), 1)
		entries, err := b.Store.History(b.ctx, "v1", 0, limit)
		due, err2 := b.Store.Due(b.ctx, farFuture, carrierfsm.PageKey{}, limit)
		list, err3 := b.Store.List(b.ctx, carrierfsm.Query{Limit: limit})
		what := fmt.Sprintf("with the limit %d: the number of ", limit)
		if err := first(err, err2, err3, differ(what+"entries", want, len(entries)), differ(what+"records due", want, len(due)), differ(what+"records", 1, len(list))); err != nil {
			return err
		}
	}
	for _, limit := range []int{math.MinInt, -1, 0} {
		n, err := b.Store.Purge(b.ctx, farFuture, limit)
		if err = first(err, differ("the number purged", 0, n)); err != nil {
			return err
		}
	}
	n, err := b.Store.Purge(b.ctx, farFuture, math.MaxInt)
	if err == nil && n != 1 {
		err = errors.New("a large limit purges nothing")
	}
	return err
}
