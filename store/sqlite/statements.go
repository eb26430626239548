package sqlite

import (
	"context"
	"database/sql"
	"errors"
)

// statements are those that are prepared once: parsing them would be half of
// the work of a commit.
type statements struct {
	claim                                                *sql.Stmt // what the migrations need, and a writer on the host's connections
	load, history, pending, pendingParked, due           *sql.Stmt // of the reading pool
	exists, insert, update, body, rebody, entry, blanked *sql.Stmt // of the writing one
}

// prepare fills in what is left; the tables are there by now.
func (p *statements) prepare(ctx context.Context, read, write *sql.DB) error {
	for _, s := range []struct {
		to   **sql.Stmt
		db   *sql.DB
		text string
	}{
		{&p.load, read, loadRecord},
		{&p.history, read, readHistory},
		{&p.pending, read, readPending},
		{&p.pendingParked, read, pendingParked},
		{&p.due, read, readDue},
		{&p.exists, write, recordExists},
		{&p.insert, write, insertRecord},
		{&p.update, write, updateRecord},
		{&p.body, write, putBody},
		{&p.rebody, write, replaceBody},
		{&p.entry, write, insertEntry},
		{&p.blanked, write, blankDetails},
	} {
		var err error
		if *s.to, err = s.db.PrepareContext(ctx, s.text); err != nil {
			return named(err)
		}
	}
	return nil
}

func (p *statements) close() error {
	var errs []error
	for _, s := range []*sql.Stmt{p.claim, p.load, p.history, p.pending, p.pendingParked, p.due, p.exists, p.insert, p.update, p.body, p.rebody, p.entry, p.blanked} {
		if s != nil {
			errs = append(errs, s.Close())
		}
	}
	return errors.Join(errs...)
}

// within is the statement inside a transaction, which closes it.
func within(ctx context.Context, tx *sql.Tx, s *sql.Stmt) *sql.Stmt {
	return tx.StmtContext(ctx, s)
}
