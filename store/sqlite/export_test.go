package sqlite

import (
	"context"
	"database/sql"
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
