package sqlite

import (
	"context"
	"database/sql"

	"github.com/carrierfsm/carrierfsm"
)

// Pragma reads or sets a pragma of the writing connection.
func (s *Store) Pragma(ctx context.Context, pragma string) (value string, err error) {
	err = s.asWriter(ctx, func(conn *sql.Conn) error {
		return conn.QueryRowContext(ctx, "PRAGMA "+pragma).Scan(&value)
	})
	return value, err
}

// The queries whose plans are looked at.
const (
	ReadDue     = readDue
	ReadHistory = readHistory

	SurveyRecords = surveyRecords
	SurveyEntries = surveyEntries
	ReadPending   = readPending
	LoadRecord    = loadRecord
)

// ListQuery is the query that a List makes.
var ListQuery = listQuery

// Waiting is how many writers wait for their turn.
func (s *Store) Waiting() int { return s.queue.Waiting() }

// Checkpoint brings the write-ahead log into the file.
func (s *Store) Checkpoint(ctx context.Context) error { return s.checkpoint(ctx) }

// OccupyLoaders lets nobody load beside the writer until leave is called.
func (s *Store) OccupyLoaders() (leave func()) {
	for range cap(s.loaders.turns) {
		s.loaders.turns <- struct{}{}
	}
	return func() {
		for range cap(s.loaders.turns) {
			<-s.loaders.turns
		}
	}
}

// Writing tells whether a write is under way.
func (s *Store) Writing() bool { return !s.queue.Idle() }

// LoadBeside is Load on a connection that is not the writer's.
func (s *Store) LoadBeside(ctx context.Context, id string) (carrierfsm.Record, error) {
	return s.loaders.get(ctx, id)
}
