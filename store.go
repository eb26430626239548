package carrierfsm

import (
	"context"
	"time"

	"github.com/carrierfsm/carrierfsm/budget"
)

// Store keeps verifications. It is one of the two ports of this package. This
// module has the stores store/memory, store/sqlite and store/postgres;
// fsmtest.TestStore tests any other against this contract.
//
// Every method is safe for concurrent use, by several processes too where the
// medium allows it. An error that matches none of the sentinels in the comment
// of a method means that the store failed and that it is unknown whether the
// write took place. The machine then reads the record again and recognises its
// own write by [Record.CommitID].
//
// Contexts: a method that is called with a context that has ended does nothing
// and returns the context's error. If the context ends during the call, the
// method returns its result or, soon, the context's error. A write is then
// unknown: it took place, or did not, or takes place later, but never in part.
// One caller's context never affects the calls of others.
//
// Values: Record and Entry say what a store has to take, and the machine writes
// nothing else. What is beyond that a store may refuse, with an error that
// matches ErrInvalid, but it must not cut or change it. Arguments that only
// select come from hosts and may be anything: an id, a word or a step that no
// record can have selects nothing, and is no error other than ErrNotFound; times
// may be of any year and precision; limits may be any number, and less than one
// selects nothing; page keys compare by their bytes.
//
// A store whose server has a clock of its own also has the method
//
//	Now(ctx context.Context) (time.Time, error)
//
// The machine compares its clock with it: see [Machine.Run]. A store whose tables
// are migrated also has the method
//
//	CheckSchema(ctx context.Context) error
//
// which returns an error unless they are those of its build: see [Machine.Ready].
//
// A store that is made of several, its shards, each with a part of the verifications,
// also has the methods
//
//	Shards() []Shard
//	ShardOf(id string) int
//	PlaceID(id, key string) string
//
// Shards returns them, always the same ones in the same order; each is a Store by
// itself. ShardOf returns the index of the one that has the record with an id, if there
// is one. PlaceID makes of an id one for a record with the given key, which may be
// empty: Create refuses a key whose place is on another shard than the id with
// ErrOtherShard, and so does Commit. Machine.Run settles what is due shard by shard,
// and reads of several records return what the shards have that answered, with a
// *ShardsError if some did not. Package store/sharded is such a store.
//
// The store owns nothing that it is given: it copies Body and Detail before it
// returns. What it returns belongs to the caller. Times are whole microseconds
// in UTC and are returned equal; the zero time stays zero.
//
// A store that can be closed is an io.Closer. After Close, every call returns
// ErrClosed; a call that is running then returns its result or ErrClosed, and
// Close waits for it. Closing again is no error.
type Store interface {
	// Create inserts a new record, whose Version is 1, with the entries that
	// belong to it (mostly none). It returns ErrExists when the ID is taken
	// and ErrKeyInUse when another record has the same non-empty Key. Spends are
	// as for Commit.
	Create(ctx context.Context, r Record, entries ...Entry) error

	// Load returns the record with this id, or ErrNotFound.
	Load(ctx context.Context, id string) (Record, error)

	// Commit replaces the record and appends entries to its history, both or
	// neither. The stored version must be r.Version-1, and the stored commit
	// id must be r.Previous unless that is zero, else it returns ErrConflict
	// and changes nothing; for an unknown id it returns ErrNotFound. Created
	// never changes; ErrKeyInUse is as for Create.
	//
	// In the same commit it applies r.Spends to the ledger of their key, as
	// budget.Ledger.Apply does: all of them with the record, or nothing at all, also
	// where several processes spend for one key at once. Where one is over its limit
	// it returns a *budget.ExceededError; if the version does not fit either, ErrConflict.
	Commit(ctx context.Context, r Record, entries ...Entry) error

	// Erase does what Commit does and, in the same commit, blanks the Detail
	// of every earlier entry of this id, and the Failure of its parked rows (see
	// outbox.Parked). The medium keeps no readable copy of the old Body and Details
	// beyond what its own documentation admits.
	Erase(ctx context.Context, r Record, entries ...Entry) error

	// History returns the entries of id with a step greater than afterStep,
	// in the order of their steps, at most limit of them. An unknown id has
	// no entries; that is no error.
	History(ctx context.Context, id string, afterStep, limit int) ([]Entry, error)

	// List returns the records that match q, newest creation first, ties by
	// descending id. They have their bodies only if q.Bodies is set.
	List(ctx context.Context, q Query) ([]Record, error)

	// Due returns at most limit whole records whose Due is set and not after
	// now, earliest first, ties by ascending id. It begins after the given key,
	// whose Time is a Due; the zero key is before all records. Its cost does not
	// grow with the records that are not due.
	Due(ctx context.Context, now time.Time, after PageKey, limit int) ([]Record, error)

	// Purge deletes at most limit records in a terminal state that were last
	// updated before the given time, with their histories and parked rows, and
	// returns how many it deleted. It deletes no ledger.
	Purge(ctx context.Context, before time.Time, limit int) (int, error)

	// Ledger returns what is counted for a key; of an unknown key the zero Ledger.
	Ledger(ctx context.Context, key string) (budget.Ledger, error)

	// PurgeLedgers deletes at most limit ledgers that expired before the given time,
	// and returns how many it deleted.
	PurgeLedgers(ctx context.Context, before time.Time, limit int) (int, error)
}

// Shard is one of several stores that together have the verifications.
type Shard struct {
	// Name never changes. It has the form of an ID.
	Name string
	// Store has the shard's records. It may be used beside the whole store.
	Store Store
}

// sharder is a further power of a Store that is made of several: see Store.
type sharder interface {
	Shards() []Shard
	ShardOf(id string) int
	PlaceID(id, key string) string
}

// Record is one verification as a store keeps it: columns that a store may
// index and query, and a Body that only the machine can read.
type Record struct {
	// ID names the verification: 1 to 128 bytes of printable ASCII, no space.
	ID string
	// State is the state of the verification. It is a word, as Source and Reason
	// are: at most 128 bytes of UTF-8 without control characters.
	State State
	// Step is how many transitions it has had; 0 after creation. It fits into 31
	// bits, as Table does.
	Step int
	// Version is 1 after creation and grows by one with every commit.
	Version int64
	// Table is the highest table version that the record uses. A build
	// whose tables are older returns ErrNewerTable for the record.
	Table int
	// Source is the website of the present data source, empty before there is one.
	Source string
	// Reason is the event of the latest transition, empty before the first.
	Reason Event
	// InFlight reports that an intent is open: a call upstream may be under way.
	InFlight bool
	// Due is when the machine has to act on the record by itself; the zero time
	// means never.
	Due time.Time
	// Created and Updated are the times of the first and the latest commit. Times
	// that are not zero are after the beginning of 1970 and before the year 10000.
	Created, Updated time.Time
	// Key, where it is not empty, is unique among all records of the store. It has
	// the form of an ID. The machine empties it when the verification ends.
	Key string
	// CommitID is a random name of the latest commit of this record.
	CommitID [16]byte
	// Previous is the commit id of the stored record that a Commit or Erase
	// replaces; zero means any. The version alone does not identify that record:
	// an id may be used again after a purge, and a standby that takes over without
	// the latest commits makes others of the same versions. It is not stored, and
	// Create ignores it.
	Previous [16]byte
	// Body is opaque, any bytes up to a megabyte. The store does not interpret it.
	Body []byte
	// Spends are what a Commit or Create spends or gives back, within budget.Check. They
	// are no column: a Record that a store returns has none.
	Spends []budget.Spend
}

// Entry is one row of history: one transition. Entries never change, except
// that Erase blanks their Detail. Words, steps and times are as in a Record.
type Entry struct {
	// ID and Step name the entry; steps of an id run 1, 2, 3 … without a gap.
	ID   string
	Step int
	// From, Event and To are the transition. From and To may be equal.
	From  State
	Event Event
	To    State
	// At is when the transition was decided.
	At time.Time
	// Source is the website that it is about; empty before there is one.
	Source string
	// Dwell is how long the verification had been in From since it entered it from
	// another state: whole microseconds, not negative. Source and Dwell are both zero in
	// entries of builds that did not store them, and Dwell where it is not known.
	Dwell time.Duration
	// Detail is opaque, as a Body is; nil where it was erased.
	Detail []byte
	// Position is the entry's position in the sequence of an outbox.Outbox, which
	// sets it: greater than zero. In what is written it is ignored.
	Position int64
}

// Query selects records for List. The zero value selects all.
type Query struct {
	// States, where not empty, are the states to select.
	States []State
	// Source, where not empty, is the website to select.
	Source string
	// Reason, where not empty, is the latest event to select.
	Reason Event
	// InFlight selects only records with an open intent.
	InFlight bool
	// Key, where not empty, selects the record with this key: there is one at most.
	Key string
	// CreatedAfter, CreatedBefore and UpdatedBefore, where set, are exclusive
	// bounds. CreatedAfter also bounds the cost of List.
	CreatedAfter, CreatedBefore, UpdatedBefore time.Time
	// After continues after the last record of the previous page: its Created
	// and ID. The zero value begins at the newest record.
	After PageKey
	// Limit is the most records to return. Zero or less means 100.
	Limit int
	// Bodies has List return what takes more than the columns: a Store the bodies,
	// a Machine each Summary.Reference.
	Bodies bool
}

// PageKey is the sort key of a record in a listing: the next page begins after
// the key of the last record of the page before.
type PageKey struct {
	// Time is the time that the listing is ordered by.
	Time time.Time
	// ID orders records of the same time.
	ID string
}
