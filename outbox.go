package carrierfsm

import (
	"context"
	"time"
)

// Outbox is a further power of a Store: histories, read as one sequence by
// the handlers. All stores of this module have it; a Machine with
// Config.Handlers needs it.
//
// Each handler has a cursor, under its own name. One replica at a time leads
// it, by a lease whose fence grows with each new leader; what an earlier leader
// still writes is refused. Besides, each verification at which the handler
// failed has a Parked row: the cursor goes on without it.
//
// The rules of Store hold here too. Times of leases are the store's own: a
// server's clock where there is one, so that replicas need not agree.
type Outbox interface {
	// Lead makes owner the leader of the cursor for so long, or prolongs that.
	// A cursor that does not exist is created, at the place that start tells.
	// It returns ErrLedByOther while another owner's lease lasts.
	Lead(ctx context.Context, name, owner string, lasts time.Duration, start Start) (Lease, error)

	// Resign ends a lease, so that another replica need not wait for its end.
	// It is no error when the lease has been lost already.
	Resign(ctx context.Context, l Lease) error

	// Pending returns entries that the cursor has not passed, at most limit of
	// them, with the parked rows of their verifications. However late an entry
	// is committed, it is returned before the cursor has passed it; the
	// entries of one verification come in the order of their steps. An
	// unrelated transaction that is open for long delays nothing. Purged
	// entries are passed over.
	Pending(ctx context.Context, l Lease, limit int) (Batch, error)

	// Advance moves the cursor behind the first n entries of the batch and
	// writes the parked rows, all or nothing. It returns ErrLeaseLost, and
	// changes nothing, once another leader has come. The batch must be the
	// latest that Pending returned under this lease.
	//
	// A row whose Version is one more than the stored one's replaces it, and one
	// where none is stored is inserted. If somebody else wrote meanwhile, the two
	// are merged: the lower Step, the higher Upto, the earlier Next, the fewer
	// Attempts, the stored Why and Since, the stored Version plus one. Of what
	// comes out, rows that leave no step to deliver are deleted.
	Advance(ctx context.Context, l Lease, b Batch, n int, rows []Parked) error

	// Park writes rows as Advance does, for whoever has no lease: an operator
	// who has something delivered again.
	Park(ctx context.Context, rows []Parked) error

	// Parked returns parked rows, earliest Next first, ties by ascending name
	// and id.
	Parked(ctx context.Context, q ParkedQuery) ([]Parked, error)

	// Cursors returns all cursors in the order of their names.
	Cursors(ctx context.Context) ([]Cursor, error)
}

// Start tells where a new handler begins.
type Start int

const (
	// FromBeginning begins at the oldest entry that the store still has.
	FromBeginning Start = iota
	// FromNow begins behind all that is there.
	FromNow
)

// Lease is the right to lead a cursor. It belongs to the caller.
type Lease struct {
	// Name and Owner are those of Lead.
	Name, Owner string
	// Fence is greater than that of any earlier leader of this cursor.
	Fence int64
}

// Batch is what a cursor has before it.
type Batch struct {
	// Entries are in the order of the sequence.
	Entries []Entry
	// Parked are the rows of those verifications that have one, by id.
	Parked map[string]Parked
	// Mark is the store's own: what it needs to move the cursor.
	Mark any
}

// Parked is a verification that a handler has to catch up with, apart from
// its cursor.
type Parked struct {
	// Handler and ID name the row.
	Handler, ID string
	// Step is the first step to deliver, and Upto the last. With Step greater
	// than Upto nothing is left.
	Step, Upto int
	// Attempts is how often delivering Step has failed in a row.
	Attempts int
	// Why is what the latest failure was: "error", "panic", "timeout",
	// "unreadable"; "by NAME" or empty for what an operator has asked for, see
	// ByOperator. It never holds a handler's own words, which may be personal.
	Why string
	// Since is when the row came to be, Next when delivering is tried again.
	Since, Next time.Time
	// Version is any number above zero at first and grows by one with each write.
	Version int64
}

// ParkedQuery selects parked rows. The zero value selects all.
type ParkedQuery struct {
	// Handler and ID, where not empty, are the ones wanted.
	Handler, ID string
	// NextBy, where set, wants only rows whose Next is not after it.
	NextBy time.Time
	// After continues behind the last row of the page before.
	After ParkedMark
	// Limit is the most rows to return. Zero or less means 100.
	Limit int
}

// ParkedMark is a place in the order of Parked: that of a row.
type ParkedMark struct {
	Next        time.Time
	Handler, ID string
}

// Cursor is how far a handler has come.
type Cursor struct {
	// Name is the handler's.
	Name string
	// Owner leads it until Until; empty and zero when nobody does.
	Owner string
	Until time.Time
	// Behind is the time of the oldest entry that the cursor has not passed;
	// zero when it has passed them all.
	Behind time.Time
	// Parked is how many verifications it has to catch up with.
	Parked int
}
