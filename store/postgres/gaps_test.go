package postgres_test

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/carrierfsm/carrierfsm/store/postgres"
)

// server is a model of what the argument in gaps.go assumes of PostgreSQL:
// transactions with ascending ids, positions drawn from a sequence, snapshots.
type server struct {
	nextID, last  int64
	open          []*transaction
	committed     []int64          // positions of entries, ascending
	everCommitted []int64          // with those that were purged
	verifications map[int64]string // by position
}

type transaction struct {
	id           int64
	verification string // that it has locked
	positions    []int64
}

// xmin returns the xmin of a snapshot: every transaction below it has ended.
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

// draw appends an entry of the transaction's verification, or of the given one if
// the transaction has none. It does nothing if another transaction has locked it.
func (s *server) draw(tx *transaction, verification string) {
	for _, other := range s.open {
		if other != tx && other.verification == verification {
			return
		}
	}
	if tx.verification != "" {
		verification = tx.verification
	}
	tx.verification = verification
	s.last++
	tx.positions = append(tx.positions, s.last)
	s.verifications[s.last] = verification
}

// crash ends all transactions. Afterwards the sequence continues anywhere after the
// latest position that was committed, in an entry or as a candidate.
func (s *server) crash(t *rapid.T, candidate int64) {
	for _, position := range append(s.everCommitted, candidate) {
		candidate = max(candidate, position)
	}
	s.open, s.last = nil, rapid.Int64Range(candidate, max(candidate, s.last)+2).Draw(t, "last")
}

func (s *server) end(i int, commits bool) {
	if commits {
		s.committed = append(s.committed, s.open[i].positions...)
		s.everCommitted = append(s.everCommitted, s.open[i].positions...)
		slices.Sort(s.committed)
	}
	s.open = slices.Delete(s.open, i, i+1)
}

// Transactions commit, roll back and purge in any order, and the server crashes. A
// cursor returns each entry once and those of one verification in order, and stores
// no gap after all transactions have ended.
func TestACursorSkipsNothingAndRepeatsNothing(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		s := &server{nextID: 3, verifications: make(map[int64]string)}
		cursor := postgres.NewCursor()
		returned := make(map[int64]bool)
		latest := make(map[string]int64)
		read := func(limit int, part bool) (passed int) {
			xmin := s.xmin()
			batch := cursor.Visible(s.committed, limit)
			for range rapid.IntRange(0, 2).Draw(t, "drawn before the cursor advances") {
				s.draw(s.begin(), rapid.SampledFrom([]string{"d", "e"}).Draw(t, "verification"))
			}
			if part && rapid.IntRange(0, 9).Draw(t, "crash before the cursor advances") == 0 {
				s.crash(t, cursor.Candidate())
			}
			n := len(batch)
			if part && n > 0 {
				n = rapid.IntRange(1, n).Draw(t, "n")
			}
			for _, position := range batch[:n] {
				require.False(t, returned[position], "%d was returned twice", position)
				require.Less(t, latest[s.verifications[position]], position, "out of order")
				returned[position], latest[s.verifications[position]] = true, position
			}
			if n > 0 {
				cursor.Advance(batch, n, limit, xmin, s.last, s.nextID)
				s.nextID++
			}
			return n
		}
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			switch rapid.SampledFrom([]string{"begin", "draw", "draw", "end", "end", "read", "read", "purge", "crash"}).Draw(t, "step") {
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
			case "crash":
				s.crash(t, cursor.Candidate())
			case "read":
				read(rapid.IntRange(1, 5).Draw(t, "limit"), true)
			case "purge":
				s.committed = slices.DeleteFunc(s.committed, func(position int64) bool { return position%3 == 0 })
			}
		}
		commitAll := func() {
			for len(s.open) > 0 {
				s.end(0, true)
			}
		}
		commitAll()
		for read(3, false) > 0 {
			commitAll()
		}
		for _, position := range s.committed {
			require.True(t, returned[position], "%d was skipped", position)
		}
		// The cursor closes its gaps when it passes later entries.
		for range 2 {
			s.draw(s.begin(), "z")
			s.end(len(s.open)-1, true)
			for read(3, false) > 0 {
				commitAll()
			}
		}
		require.LessOrEqual(t, cursor.Gaps(), 1, "one may be of a transaction that began after the last read")
	})
}
