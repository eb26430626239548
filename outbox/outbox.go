package outbox

import (
	"context"
	"errors"
	"time"

	"github.com/carrierfsm/carrierfsm"
)

// The errors of an Outbox.
var (
	// ErrLeaseHeld is returned by Acquire while another owner holds the lease.
	ErrLeaseHeld = errors.New("outbox: another replica holds the lease")
	// ErrLeaseLost is returned to an owner whose lease ended and was acquired by
	// another one.
	ErrLeaseLost = errors.New("outbox: the lease is lost")
	// ErrNoStart is returned for a handler that the store does not know, on a store
	// with history, when Config.Starts does not say where it begins.
	ErrNoStart = errors.New("outbox: a new handler on a store with history, and Config.Starts does not say where it begins")
)

// Store is a store whose histories can be read as an outbox. All stores of this
// module are.
type Store interface {
	carrierfsm.Store
	Outbox
}

// Outbox is a further power of a carrierfsm.Store: its histories, read as one
// sequence by handlers.
//
// Each handler has a cursor under its own name. One owner at a time holds the
// lease of a cursor. Its fence grows with each new holder, and what an earlier
// holder still writes is refused. Each verification at which the handler failed
// has a Parked row, and the cursor goes on without it.
//
// A store that is an Outbox should also have the methods
//
//	PurgeDelivered(ctx context.Context, before time.Time, limit int) (deleted, kept int, err error)
//	Retire(ctx context.Context, name string) error
//
// PurgeDelivered deletes as Purge does, except what a handler still needs: the
// verifications that have a parked row, and those with an entry that some cursor
// has not passed. kept is how many of these ended before the given time; it counts
// limit of them at most, and may be zero if deleted is limit. Machine.Purge then
// calls it instead of Purge.
//
// Retire deletes a cursor and its parked rows. It returns ErrLeaseHeld while an
// owner holds the lease. An unknown name is no error.
//
// A store that learns of the commits of other processes is a Watcher too.
//
// The rules of carrierfsm.Store on contexts, values and closing apply here too:
// names of handlers and owners have the form of ids, Why is a word, and the numbers of a
// Parked row, other than its Version, fit into 31 bits as steps do. Times of leases are the store's
// own, a server's clock where there is one, so that the clocks of replicas need
// not agree.
type Outbox interface {
	// Acquire gives the lease of a cursor to owner for the given time, or renews
	// it. A cursor that does not exist is created at the position that start
	// says; the zero Start creates one only in a store that has no entries, and
	// else Acquire returns ErrNoStart. It returns ErrLeaseHeld while another owner
	// holds the lease.
	Acquire(ctx context.Context, name, owner string, ttl time.Duration, start Start) (Lease, error)

	// Release ends a lease, so that another replica need not wait for its end.
	// It is no error if the lease has been lost already.
	Release(ctx context.Context, l Lease) error

	// Pending returns entries after the cursor, at most limit of them, with the
	// parked rows of their verifications. An entry that is committed late is
	// returned before the cursor passes it; the entries of one verification come
	// in the order of their steps. An unrelated transaction that stays open
	// delays nothing. Purged entries are left out.
	Pending(ctx context.Context, l Lease, limit int) (Batch, error)

	// Advance moves the cursor behind the first n entries of the batch and
	// writes the parked rows, all or nothing. It returns ErrLeaseLost, and
	// changes nothing, after another owner acquired the lease. The batch must be
	// the latest that Pending returned under this lease.
	//
	// A row whose Version is one more than the stored one's replaces it, and one
	// where none is stored is inserted. If another writer wrote in between, the
	// two are merged: the lower Step, the higher Upto, the earlier Next, the
	// fewer Attempts, the stored Why, Failure and Since, the stored Version plus one. A
	// resulting row that leaves no step to deliver is deleted.
	Advance(ctx context.Context, l Lease, b Batch, n int, rows []Parked) error

	// Park writes rows as Advance does, without a lease: for an operator who
	// wants something delivered again.
	Park(ctx context.Context, rows []Parked) error

	// Parked returns parked rows, earliest Next first, ties by ascending name
	// and id.
	Parked(ctx context.Context, q ParkedQuery) ([]Parked, error)

	// Cursors returns all cursors in the order of their names.
	Cursors(ctx context.Context) ([]Cursor, error)
}

// Watcher is a power of a store that learns of the commits of other processes.
// Dispatcher.Run then asks for pending entries at once, without waiting for
// Config.PollInterval. It also polls, so a wake-up may be lost.
//
// fsmtest.TestWatcher holds the rules.
type Watcher interface {
	// Watch calls committed when it has begun, for earlier commits, and after commits
	// of other processes that have entries. It may call it too often; committed must
	// not block. Watch returns the error of ctx, carrierfsm.ErrClosed after Close, or
	// the error for which it can watch no longer.
	Watch(ctx context.Context, committed func()) error
}

// Start is where a new cursor begins.
type Start int

const (
	// FromBeginning begins at the oldest entry that the store still has.
	FromBeginning Start = iota + 1
	// FromNow begins after all entries that the store has.
	FromNow
)

// Lease is the right to move a cursor. It belongs to the caller.
type Lease struct {
	// Name and Owner are those of Acquire.
	Name, Owner string
	// Fence is greater than that of any earlier holder of this lease.
	Fence int64
}

// Batch is what comes after a cursor.
type Batch struct {
	// Entries are in the order of the sequence.
	Entries []carrierfsm.Entry
	// Parked are the parked rows of their verifications, by id.
	Parked map[string]Parked
	// State is the store's own: what Advance needs to move the cursor.
	State any
}

// Parked is a verification that is delivered to a handler apart from its
// cursor, because the handler failed for it or an operator asked for a replay.
type Parked struct {
	// Handler and ID name the row.
	Handler, ID string
	// Step is the first step to deliver, and Upto the last. If Step is greater
	// than Upto there is none.
	Step, Upto int
	// Attempts is how often delivering Step has failed in a row.
	Attempts int
	// Why is how the latest attempt failed: "error", "panic", "timeout",
	// "unreadable"; "slow" while a call goes on that delivery does not wait for;
	// "by NAME" or empty where an operator asked for it, see
	// carrierfsm.ByOperator. It never holds a handler's own words, which may be
	// personal.
	Why string
	// Failure is the transition and the error of the latest failure: what
	// carrierfsm.Machine.SealNote returned, and Dispatcher.Failure opens. It is opaque,
	// at most 8 KB; nil where none is known. Erase of the verification deletes it.
	Failure []byte
	// Since is when the row was created, Next when delivering is tried again.
	Since, Next time.Time
	// Version is any number above zero at first and grows by one with each write.
	Version int64
}

// ParkedQuery selects parked rows. The zero value selects all.
type ParkedQuery struct {
	// Handler and ID, where not empty, are those to select.
	Handler, ID string
	// IDs, where not empty, are the verifications to select, at most 10,000. Where ID is set
	// too, only that one can be selected.
	IDs []string
	// NextBy, where set, selects only rows whose Next is not after it.
	NextBy time.Time
	// After continues after the last row of the page before.
	After ParkedKey
	// Limit is the most rows to return. Zero or less means 100.
	Limit int
}

// ParkedKey is the sort key of a parked row. The zero value is before all rows.
type ParkedKey struct {
	Next        time.Time
	Handler, ID string
}

// Cursor is how far a handler has come.
type Cursor struct {
	// Name is the handler's.
	Name string
	// Shard is the shard that it has come so far on: Dispatcher.Cursors sets it. It is
	// empty where the store has no shards, and in what a Store returns.
	Shard string
	// Owner holds the lease until Until; empty and zero while it is free.
	Owner string
	Until time.Time
	// Behind is the time of the oldest entry after the cursor; zero where there
	// is none.
	Behind time.Time
	// Parked is how many verifications are parked.
	Parked int
}
