// Package subject says what can be measured: anything that carries plain
// verifications from their creation to their end and keeps them in a store.
package subject

import "context"

// Laps is how many times Verify calls lap: the creation and three submissions.
const Laps = 4

// Subject is one system under measurement. Verify is safe for concurrent use.
type Subject interface {
	// Verify carries one new verification to its end. It calls lap after the
	// creation and after each submission, when what came of it is durable (as far
	// as its store is) and known to the caller.
	Verify(ctx context.Context, lap func()) error
	// Left counts what its store holds. It may be slow.
	Left(ctx context.Context) (Left, error)
	// Close ends what Open began. Call it once, when no Verify is running.
	Close() error
}

// Left is what verifications have left in a store: tests hold it against what
// a subject says that it does, so that nobody measures nothing.
type Left struct {
	// Verifications and Done are how many there are, and how many have ended well.
	Verifications, Done int
	// Transitions is how many are on record.
	Transitions int
	// Commits is how many transactions were committed for them, as far as the
	// subject makes them itself; 0 where the framework does.
	Commits int
}

// Medium is what a subject keeps its verifications in.
type Medium string

// The media.
const (
	Memory       Medium = "memory"
	SQLiteFull   Medium = "SQLite FULL"
	SQLiteNormal Medium = "SQLite NORMAL"
	Postgres     Medium = "PostgreSQL"
)

// SQLite tells whether the medium is a file.
func (m Medium) SQLite() bool { return m == SQLiteFull || m == SQLiteNormal }

// Synchronous is the pragma's value.
func (m Medium) Synchronous() string {
	if m == SQLiteNormal {
		return "NORMAL"
	}
	return "FULL"
}

// Place is where a subject may keep things. It belongs to that subject alone.
type Place struct {
	// Medium is what it is.
	Medium Medium
	// File is the path of the file that a subject on SQLite makes.
	File string
	// DSN is an empty database of a subject on PostgreSQL.
	DSN string
	// Drivers is how many will call Verify at once.
	Drivers int
}

// Kind is a subject that can be opened.
type Kind struct {
	// Name is what the report calls it.
	Name string
	// Media are those that it can be opened on.
	Media []Medium
	// Commits and Transitions are how many a verification takes. Commits is 0
	// where a framework decides that.
	Commits, Transitions int
	// Open opens it.
	Open func(context.Context, Place) (Subject, error)
}
