// Package subject defines what can be measured: a system that runs plain
// verifications from their creation to their end and stores them.
package subject

import "context"

// Laps is how often Verify calls lap: for the creation and three submissions.
const Laps = 4

// Subject is one system under measurement. Verify is safe for concurrent use.
type Subject interface {
	// Verify runs one new verification to its end. It calls lap after the creation and
	// after each submission, when the outcome is known to the caller and durable, as
	// far as the store is.
	Verify(ctx context.Context, lap func()) error
	// Count counts the content of the store. It may be slow.
	Count(ctx context.Context) (Counts, error)
	// Close releases the resources of Open. Call it once, when no Verify is running.
	Close() error
}

// Counts is the content of a store. Tests compare it with what the subject declares,
// to make sure that each does the same work.
type Counts struct {
	// Verifications is the number of all, and Done of those in the state done.
	Verifications, Done int
	// Transitions is the number of recorded transitions.
	Transitions int
	// Commits is the number of transactions that the subject itself committed; 0 if a
	// framework does that.
	Commits int
}

// Medium is the kind of storage for verifications.
type Medium string

// The media.
const (
	// OneShard and Shards are one and several databases behind the router.
	OneShard Medium = "PostgreSQL, one shard"
	Shards   Medium = "PostgreSQL, shards"

	Memory       Medium = "memory"
	SQLiteFull   Medium = "SQLite FULL"
	SQLiteNormal Medium = "SQLite NORMAL"
	Postgres     Medium = "PostgreSQL"
)

// SQLite reports whether the medium is a SQLite file.
func (m Medium) SQLite() bool { return m == SQLiteFull || m == SQLiteNormal }

// Sharded reports whether the medium is PostgreSQL behind the router.
func (m Medium) Sharded() bool { return m == OneShard || m == Shards }

// Synchronous returns the value of SQLite's pragma.
func (m Medium) Synchronous() string {
	if m == SQLiteNormal {
		return "NORMAL"
	}
	return "FULL"
}

// Storage is empty storage for one subject.
type Storage struct {
	Medium Medium
	// File is the path of the file to create on SQLite.
	File string
	// DSN is the connection string of an empty database on PostgreSQL.
	DSN string
	// Shards are the connection strings of the databases of the shards.
	Shards []string
	// Drivers is how many drivers call Verify concurrently.
	Drivers int
}

// Kind is a subject that can be opened.
type Kind struct {
	// Name is its name in the report.
	Name string
	// Media are those that it can be opened on.
	Media []Medium
	// Commits and Transitions are the numbers for one verification. Commits is 0 if a
	// framework makes them.
	Commits, Transitions int
	Open                 func(context.Context, Storage) (Subject, error)
}
