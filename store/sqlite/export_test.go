package sqlite

import (
	"context"
	"database/sql"

	"github.com/carrierfsm/carrierfsm"
)

// Pragma reads or sets a pragma of the connection for writes.
func (s *Store) Pragma(ctx context.Context, pragma string) (value string, err error) {
	err = s.onWriteConn(ctx, func(conn *sql.Conn) error {
		return conn.QueryRowContext(ctx, "PRAGMA "+pragma).Scan(&value)
	})
	return value, err
}

// Statements whose plans the tests read.
const (
	ReadDue     = readDue
	ReadHistory = readHistory

	SurveyRecords = surveyRecords
	SurveyEntries = surveyEntries
	ReadPending   = readPending
	LoadRecord    = loadRecord

	UpdateRecord  = updateRecord
	UpdateKeptKey = updateKeptKey
	PutLedger     = putLedger
	UpdateStamps  = updateStamps
)

// ListQuery and ActsQuery return the queries of List and Acts.
var (
	ListQuery = listQuery
	ActsQuery = actsQuery
)

// Queued returns the number of writes that wait.
func (s *Store) Queued() int { return s.queue.Queued() }

// Writing returns whether a write is running or waits.
func (s *Store) Writing() bool { return !s.queue.Idle() }

// Checkpoint copies the write-ahead log into the database file.
func (s *Store) Checkpoint(ctx context.Context) error { return s.checkpoint(ctx) }

// OccupyLoaders takes all loaders until release is called.
func (s *Store) OccupyLoaders() (release func()) {
	for range cap(s.loaders.busy) {
		s.loaders.busy <- struct{}{}
	}
	return func() {
		for range cap(s.loaders.busy) {
			<-s.loaders.busy
		}
	}
}

// LoadOnReadConn loads on another connection than the writer's.
func (s *Store) LoadOnReadConn(ctx context.Context, id string) (carrierfsm.Record, error) {
	return s.loaders.load(ctx, nil, id)
}
