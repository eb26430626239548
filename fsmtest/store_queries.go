package fsmtest

import (
	"fmt"
	"slices"
	"time"

	"github.com/carrierfsm/carrierfsm"
)

var queryCases = []storeCase{
	{"ListOrder", "List returns the newest first, ties by descending id, in pages without gaps or repetitions, without bodies", listOrder},
	{"ListBodies", "List returns each record with its own body where the query asks for bodies, in the same order and pages", listBodies},
	{"ListFilters", "List returns what matches the query", listFilters},
	{"DueOrder", "Due returns the earliest first, ties by ascending id, up to and including now, in pages", dueOrder},
	{"DueFollows", "Due follows every commit: a later time, an earlier one, none", dueFollows},
	{"Purge", "Purge deletes verifications that ended before the time, at most the limit, with their history", purges},
}

func listOrder(b *storeBench) error {
	var ids []string
	for i := range 7 {
		r := record(fmt.Sprintf("v%d", i))
		r.Created = noon.Add(time.Duration(i/3) * time.Microsecond) // three at a time are equal
		if _, err := b.put(r, 0); err != nil {
			return err
		}
		ids = append(ids, r.ID)
	}
	slices.Reverse(ids)
	var got []string
	q := carrierfsm.Query{Limit: 2}
	for {
		page, err := b.Store.List(b.ctx, q)
		if err != nil || len(page) == 0 {
			return first(err, differ("the ids", ids, got))
		}
		for _, r := range page {
			if r.Body != nil {
				return fmt.Errorf("the record %s was returned with its body", r.ID)
			}
			got = append(got, r.ID)
			q.After = carrierfsm.PageKey{Time: r.Created, ID: r.ID}
		}
	}
}

func listBodies(b *storeBench) error {
	var want []carrierfsm.Record
	for i := range 3 {
		r := record(fmt.Sprintf("v%d", i))
		r.Created = noon.Add(time.Duration(i) * time.Second)
		r, err := b.put(r, i)
		if err != nil {
			return err
		}
		want = append(want, r)
	}
	slices.Reverse(want)
	q := carrierfsm.Query{Limit: 2, Bodies: true}
	got, err := b.Store.List(b.ctx, q)
	if err = first(err, differ("the records of the first page", want[:2], got)); err != nil {
		return err
	}
	q.After = carrierfsm.PageKey{Time: got[1].Created, ID: got[1].ID}
	if got, err = b.Store.List(b.ctx, q); err != nil {
		return err
	}
	if err = differ("the records of the second page", want[2:], got); err != nil {
		return err
	}
	clear(got[0].Body) // it belongs to the caller
	return b.stores(want[2])
}

func listFilters(b *storeBench) error {
	other := record("other")
	other.State, other.Source, other.Reason, other.InFlight = carrierfsm.Done, "chinaunicom", carrierfsm.CollectionStarted, false
	other.Created, other.Updated = noon.Add(-time.Hour), noon.Add(-time.Hour)
	for _, r := range []carrierfsm.Record{record("usual"), other} {
		if _, err := b.put(r, 0); err != nil {
			return err
		}
	}
	for _, c := range []struct {
		q    carrierfsm.Query
		want []string
	}{
		{carrierfsm.Query{}, []string{"usual", "other"}},
		{carrierfsm.Query{States: []carrierfsm.State{carrierfsm.Done, carrierfsm.Failed}}, []string{"other"}},
		{carrierfsm.Query{States: []carrierfsm.State{carrierfsm.Created, carrierfsm.Done}}, []string{"usual", "other"}},
		{carrierfsm.Query{Source: "chinaunicom"}, []string{"other"}},
		{carrierfsm.Query{Reason: carrierfsm.CollectionStarted}, []string{"other"}},
		{carrierfsm.Query{InFlight: true}, []string{"usual"}},
		{carrierfsm.Query{Key: "key-of-usual"}, []string{"usual"}},
		{carrierfsm.Query{Key: "key-of-usual", States: []carrierfsm.State{carrierfsm.Done}}, nil},
		{carrierfsm.Query{Key: "key-of-nobody"}, nil},
		{carrierfsm.Query{Key: "no \x00 key"}, nil},
		{carrierfsm.Query{CreatedBefore: noon}, []string{"other"}},
		{carrierfsm.Query{CreatedAfter: noon.Add(-time.Hour)}, []string{"usual"}},
		{carrierfsm.Query{CreatedAfter: noon.Add(-2 * time.Hour), CreatedBefore: noon}, []string{"other"}},
		{carrierfsm.Query{UpdatedBefore: noon}, []string{"other"}},
		{carrierfsm.Query{Source: "chinaunicom", InFlight: true}, nil},
		{carrierfsm.Query{Limit: 1}, []string{"usual"}},
	} {
		page, err := b.Store.List(b.ctx, c.q)
		if err = first(err, differ(fmt.Sprintf("the ids for %+v", c.q), c.want, idsOf(page))); err != nil {
			return err
		}
	}
	return nil
}

func idsOf(records []carrierfsm.Record) (ids []string) {
	for _, r := range records {
		ids = append(ids, r.ID)
	}
	return ids
}

func dueOrder(b *storeBench) error {
	due := map[string]time.Duration{"e": -2 * time.Second, "b": -time.Microsecond, "a": -time.Microsecond, "d": -time.Hour, "c": 0, "later": time.Microsecond, "never": 0}
	for id, at := range due {
		r := record(id)
		r.Due = noon.Add(at)
		if id == "never" {
			r.Due = time.Time{}
		}
		if _, err := b.put(r, 0); err != nil {
			return err
		}
	}
	var got []string
	var after carrierfsm.PageKey
	for {
		page, err := b.Store.Due(b.ctx, noon, after, 2)
		if err != nil || len(page) == 0 {
			return first(err, differ("the ids", []string{"d", "e", "a", "b", "c"}, got))
		}
		for _, r := range page {
			if len(r.Body) == 0 {
				return fmt.Errorf("the record %s was returned without its body", r.ID)
			}
			got = append(got, r.ID)
			after = carrierfsm.PageKey{Time: r.Due, ID: r.ID}
		}
	}
}

func dueFollows(b *storeBench) error {
	r, err := b.create("v1", 0)
	if err != nil {
		return err
	}
	for _, due := range []time.Time{noon.Add(time.Minute), noon.Add(-time.Minute), {}, noon} {
		after, e := next(r)
		after.Due = due
		if err := b.Store.Commit(b.ctx, after, e); err != nil {
			return err
		}
		r = after
		page, err := b.Store.Due(b.ctx, noon, carrierfsm.PageKey{}, 10)
		if err != nil {
			return err
		}
		if wanted := !due.IsZero() && !due.After(noon); wanted != (len(page) == 1) {
			return fmt.Errorf("with due at %v, Due returned %d records", due, len(page))
		}
	}
	return nil
}

func purges(b *storeBench) error {
	for _, c := range []struct {
		id    string
		state carrierfsm.State
		at    time.Duration
	}{
		{"old1", carrierfsm.Done, -time.Hour},
		{"old2", carrierfsm.Failed, -2 * time.Hour},
		{"old3", carrierfsm.Done, -time.Minute},
		{"live", carrierfsm.AwaitingCaptcha, -time.Hour},
		{"exactly", carrierfsm.Done, 0},
	} {
		r := record(c.id)
		r.State, r.Updated = c.state, noon.Add(c.at).Add(-2*time.Second)
		if _, err := b.put(r, 2); err != nil {
			return err
		}
	}
	total := 0
	for _, want := range []int{2, 1, 0} {
		n, err := b.Store.Purge(b.ctx, noon, 2)
		if err = first(err, differ("the numbers purged", want, n)); err != nil {
			return err
		}
		total += n
	}
	left, err := b.Store.List(b.ctx, carrierfsm.Query{})
	if err != nil {
		return err
	}
	ids := idsOf(left)
	slices.Sort(ids)
	return first(differ("the ids left", []string{"exactly", "live"}, ids), b.hasHistory("old1", 0), b.hasHistory("live", 2))
}
