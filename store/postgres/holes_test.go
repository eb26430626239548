package postgres_test

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/carrierfsm/carrierfsm/store/postgres"
)

// server is as much of PostgreSQL as a cursor rests on: transactions with
// ascending ids, places drawn from a sequence, snapshots.
type server struct {
	nextID, last int64
	open         []*transaction
	there        []int64          // committed places, ascending
	ever         []int64          // with those that were purged
	order        map[int64]string // by place, the verification
}

type transaction struct {
	id     int64
	verify string // the verification that it locks
	places []int64
}

// xmin is that of a snapshot: every transaction below it has ended.
func (s *server) xmin() int64 {
	xmin := s.nextID
	for _, tx := range s.open {
		xmin = min(xmin, tx.id)
	}
	return xmin
}

func (s *server) begin() *transaction {
	tx := &transaction{id: s.nextID}
	s.nextID++
	s.open = append(s.open, tx)
	return tx
}

// draw appends an entry of a verification that no other transaction has locked.
func (s *server) draw(tx *transaction, verify string) {
	for _, other := range s.open {
		if other != tx && other.verify == verify {
			return
		}
	}
	if tx.verify != "" {
		verify = tx.verify
	}
	tx.verify = verify
	s.last++
	tx.places = append(tx.places, s.last)
	s.order[s.last] = verify
}

// dies takes back places that nobody committed, or leaves some out.
func (s *server) dies(t *rapid.T, noted int64) {
	for _, place := range append(s.ever, noted) {
		noted = max(noted, place)
	}
	s.open, s.last = nil, rapid.Int64Range(noted, max(noted, s.last)+2).Draw(t, "last")
}

func (s *server) end(i int, commits bool) {
	if commits {
		s.there = append(s.there, s.open[i].places...)
		s.ever = append(s.ever, s.open[i].places...)
		slices.Sort(s.there)
	}
	s.open = slices.Delete(s.open, i, i+1)
}

// Whatever commits, rolls back, is purged and dies in whatever order, a cursor
// returns each entry once, those of one verification in their order, and
// remembers nothing once nothing is open.
func TestACursorSkipsNothingAndRepeatsNothing(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		s := &server{nextID: 3, order: make(map[int64]string)}
		cursor := postgres.NewCursor()
		got, purged := make(map[int64]bool), make(map[int64]bool)
		latest := make(map[string]int64)
		read := func(limit int, part bool) (passed int) {
			xmin := s.xmin()
			batch := cursor.Visible(s.there, limit)
			for range rapid.IntRange(0, 2).Draw(t, "drawn meanwhile") { // between the reading and the moving on
				s.draw(s.begin(), rapid.SampledFrom([]string{"d", "e"}).Draw(t, "verification"))
			}
			if part && rapid.IntRange(0, 9).Draw(t, "dies meanwhile") == 0 {
				s.dies(t, cursor.Candidate())
			}
			n := len(batch)
			if part && n > 0 {
				n = rapid.IntRange(1, n).Draw(t, "n")
			}
			for _, place := range batch[:n] {
				require.False(t, got[place], "%d comes twice", place)
				require.Less(t, latest[s.order[place]], place, "out of order")
				got[place], latest[s.order[place]] = true, place
			}
			if n > 0 {
				cursor.Advance(batch, n, limit, xmin, s.last, s.nextID)
				s.nextID++
			}
			return n
		}
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			switch rapid.SampledFrom([]string{"begin", "draw", "draw", "end", "end", "read", "read", "purge", "die"}).Draw(t, "what") {
			case "begin":
				s.begin()
			case "draw":
				if len(s.open) > 0 {
					s.draw(rapid.SampledFrom(s.open).Draw(t, "tx"), rapid.SampledFrom([]string{"a", "b", "c"}).Draw(t, "verification"))
				}
			case "end":
				if len(s.open) > 0 {
					s.end(rapid.IntRange(0, len(s.open)-1).Draw(t, "which"), rapid.IntRange(0, 3).Draw(t, "commits") > 0)
				}
			case "die":
				s.dies(t, cursor.Candidate())
			case "read":
				read(rapid.IntRange(1, 5).Draw(t, "limit"), true)
			case "purge":
				s.there = slices.DeleteFunc(s.there, func(place int64) bool {
					gone := place%3 == 0
					purged[place] = purged[place] || gone
					return gone
				})
			}
		}
		for len(s.open) > 0 {
			s.end(0, true)
		}
		for read(3, false) > 0 {
			for len(s.open) > 0 {
				s.end(0, true)
			}
		}
		for _, place := range s.there {
			require.True(t, got[place], "%d was skipped", place)
		}
		// One more entry, and the one after that, find out that all is settled.
		for range 2 {
			s.draw(s.begin(), "z")
			s.end(len(s.open)-1, true)
			for read(3, false) > 0 {
				for len(s.open) > 0 {
					s.end(0, true)
				}
			}
		}
		require.LessOrEqual(t, cursor.Holes(), 1, "only what came meanwhile may be remembered")
	})
}
