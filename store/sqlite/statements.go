package sqlite

import (
	"context"
	"database/sql"
	"errors"
)

// statement is one of the statements of a write. They are prepared once, because
// parsing would be half of the work.
type statement int

const (
	stmtBegin statement = iota
	stmtCommit
	stmtRollback
	stmtRecordExists
	stmtVersionStored
	stmtInsertRecord
	stmtUpdateRecord
	stmtUpdateKeptKey
	stmtPutBody
	stmtUpdateBody
	stmtInsertEntry
	stmtBlankDetails
	stmtBlankFailures
	stmtReadLedger
	stmtPutLedger
	stmtUpdateStamps
	stmtReplaceDetail
	stmtEpochStored
	stmtCreateDrained
	stmtCommitDrained
	statementCount
)

var statementTexts = [statementCount]string{
	stmtBegin:         `BEGIN IMMEDIATE`,
	stmtCommit:        `COMMIT`,
	stmtRollback:      `ROLLBACK`,
	stmtRecordExists:  recordExists,
	stmtVersionStored: versionStored,
	stmtInsertRecord:  insertRecord,
	stmtUpdateRecord:  updateRecord,
	stmtUpdateKeptKey: updateKeptKey,
	stmtPutBody:       putBody,
	stmtUpdateBody:    updateBody,
	stmtInsertEntry:   insertEntry,
	stmtBlankDetails:  blankDetails,
	stmtBlankFailures: blankFailures,
	stmtReadLedger:    readLedger,
	stmtPutLedger:     putLedger,
	stmtUpdateStamps:  updateStamps,
	stmtReplaceDetail: replaceDetail,
	stmtEpochStored:   epochStored,
	stmtCreateDrained: createDrained,
	stmtCommitDrained: commitDrained,
}

// prepared are the statements that database/sql prepares.
type prepared struct {
	lockFile                                   *sql.Stmt                 // of the write pool
	load, history, pending, pendingParked, due *sql.Stmt                 // of the read pool
	writes                                     [statementCount]*sql.Stmt // only in a store made by New
}

// prepareReads prepares the statements of the read pool. The tables must exist.
func (p *prepared) prepareReads(ctx context.Context, db *sql.DB) error {
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
		if *s.to, err = db.PrepareContext(ctx, s.text); err != nil {
			return wrap(err)
		}
	}
	return nil
}

// prepareWrites prepares the statements of a write, except those that begin and
// end the transaction: there database/sql does that.
func (p *prepared) prepareWrites(ctx context.Context, db *sql.DB) (err error) {
	for which := stmtRecordExists; which < statementCount; which++ {
		if p.writes[which], err = db.PrepareContext(ctx, statementTexts[which]); err != nil {
			return wrap(err)
		}
	}
	return nil
}

func (p *prepared) close() error {
	var errs []error
	for _, s := range append(p.writes[:], p.lockFile, p.load, p.history, p.pending, p.pendingParked, p.due) {
		if s != nil {
			errs = append(errs, s.Close())
		}
	}
	return errors.Join(errs...)
}
