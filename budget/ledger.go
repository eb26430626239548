package budget

import (
	"cmp"
	"slices"
	"time"
)

// Stamp is one thing that was spent.
type Stamp struct {
	Kind Kind
	At   time.Time
}

// Ledger is what is counted for one key. The zero Ledger is empty.
type Ledger struct {
	// Stamps are what was spent, in the order of their times. Some may be out of their
	// window.
	Stamps []Stamp
	// Expires is when none is counted any more, or up to an hour later; zero where
	// there was none.
	Expires time.Time
}

// longer is by how much a ledger outlasts its stamps, so that Expires seldom changes: a
// store has an index of it.
const longer = time.Hour

// Apply returns the ledger after these spends, all or none. It does not change l. What
// is given back is taken away if it is there, else there is nothing to give back. The
// error is an *ExceededError. Stores that compute with a Ledger call it inside of the
// transaction that writes it.
func (l Ledger) Apply(spends []Spend) (Ledger, error) {
	room := len(l.Stamps)
	for i := range spends {
		room += min(max(0, spends[i].N), 1000) // more than that is refused: see Check
	}
	stamps := append(make([]Stamp, 0, room), l.Stamps...)
	for _, s := range spends {
		if s.N < 0 {
			stamps = giveBack(stamps, s)
			continue
		}
		if err := (Ledger{Stamps: stamps}).Exceeded(s); err != nil {
			return l, err
		}
		first := s.At.Add(-s.Window)
		stamps = slices.DeleteFunc(stamps, func(t Stamp) bool { return t.Kind == s.Kind && !t.At.After(first) })
		for range s.N {
			stamps = append(stamps, Stamp{s.Kind, s.At})
		}
		if end := s.At.Add(s.Window); end.After(l.Expires) {
			l.Expires = end.Add(longer)
		}
	}
	after := Ledger{Stamps: stamps, Expires: l.Expires}
	after.Sort()
	return after, nil
}

// Sort brings the stamps into their order.
func (l Ledger) Sort() {
	slices.SortStableFunc(l.Stamps, func(a, b Stamp) int { return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.Kind, b.Kind)) })
}

// giveBack takes away as many stamps of the spend's kind and time as it gives back.
func giveBack(stamps []Stamp, s Spend) []Stamp {
	left := -s.N
	return slices.DeleteFunc(stamps, func(t Stamp) bool {
		gone := left > 0 && t.Kind == s.Kind && t.At.Equal(s.At)
		if gone {
			left--
		}
		return gone
	})
}

// Exceeded returns an *ExceededError if the spend is over its limit, else nil.
func (l Ledger) Exceeded(s Spend) error {
	if s.N <= 0 {
		return nil
	}
	n := l.Count(s.Kind, s.Window, s.At)
	over := n + s.N - s.Limit
	switch {
	case over <= 0:
		return nil
	case over > n:
		return &ExceededError{Kind: s.Kind}
	}
	first := s.At.Add(-s.Window)
	counted := make([]time.Time, 0, n)
	for _, t := range l.Stamps {
		if t.Kind == s.Kind && t.At.After(first) {
			counted = append(counted, t.At)
		}
	}
	slices.SortFunc(counted, time.Time.Compare)
	return &ExceededError{Kind: s.Kind, Until: counted[over-1].Add(s.Window)}
}

// Count returns how many of a kind are counted at a time.
func (l Ledger) Count(k Kind, window time.Duration, now time.Time) (n int) {
	first := now.Add(-window)
	for i := range l.Stamps {
		if t := &l.Stamps[i]; t.Kind == k && t.At.After(first) {
			n++
		}
	}
	return n
}
