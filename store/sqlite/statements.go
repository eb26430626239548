package sqlite

import (
	"context"
	"database/sql"
	"errors"
)

// statement names one of those that a commit is made of. They are prepared
// once: parsing them would be half of the work.
type statement int

const (
	begin statement = iota
	commit
	rollback
	exists
	insert
	update
	body
	rebody
	entry
	blank
	statements // how many there are
)

var texts = [statements]string{
	begin:    `BEGIN IMMEDIATE`,
	commit:   `COMMIT`,
	rollback: `ROLLBACK`,
	exists:   recordExists,
	insert:   insertRecord,
	update:   updateRecord,
	body:     putBody,
	rebody:   replaceBody,
	entry:    insertEntry,
	blank:    blankDetails,
}

// prepared are what database/sql keeps prepared: what reads, and on the host's
// connections what writes too.
type prepared struct {
	claim                                      *sql.Stmt // what the migrations need, and a writer on the host's connections
	load, history, pending, pendingParked, due *sql.Stmt // of the reading pool
	writing                                    [statements]*sql.Stmt
}

// prepare fills in what is left; the tables are there by now.
func (p *prepared) prepare(ctx context.Context, read *sql.DB) error {
	for _, s := range []struct {
		to   **sql.Stmt
		text string
	}{
		{&p.load, loadRecord},
		{&p.history, readHistory},
		{&p.pending, readPending},
		{&p.pendingParked, pendingParked},
		{&p.due, readDue},
	} {
		var err error
		if *s.to, err = read.PrepareContext(ctx, s.text); err != nil {
			return named(err)
		}
	}
	return nil
}

// prepareWriting prepares what writes on the host's connections, where a
// transaction is begun and ended by database/sql.
func (p *prepared) prepareWriting(ctx context.Context, write *sql.DB) (err error) {
	for which := exists; which < statements; which++ {
		if p.writing[which], err = write.PrepareContext(ctx, texts[which]); err != nil {
			return named(err)
		}
	}
	return nil
}

func (p *prepared) close() error {
	var errs []error
	for _, s := range append(p.writing[:], p.claim, p.load, p.history, p.pending, p.pendingParked, p.due) {
		if s != nil {
			errs = append(errs, s.Close())
		}
	}
	return errors.Join(errs...)
}
