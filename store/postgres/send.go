package postgres

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/store/internal/write"
)

// errRetry is the refusal of a request that nothing refuses any more: a retry may
// write it.
var errRetry = errors.New("carrierfsm/postgres: other writers were faster in each try")

// refusals are the reasons why a request was not written, as the statements number
// them.
var refusals = [...]error{carrierfsm.ErrNotFound, carrierfsm.ErrConflict, carrierfsm.ErrExists, carrierfsm.ErrKeyInUse, errRetry, carrierfsm.ErrMoved}

// sendOne writes a request. It returns the reason if the request was refused. It
// returns an error if the outcome is unknown or the statement failed.
func (w *writer) sendOne(ctx context.Context, db querier, r *write.Request) (refusal, err error) {
	requests := []write.Request{*r}
	spending, err := w.spendingOf(ctx, db, requests)
	if err != nil {
		return nil, notWritten{err}
	}
	s := w.sqlFor(requests, spending)
	written, err := w.runOne(ctx, db, s, r, spending)
	w.remember(db, requests, spending, []bool{written}, err)
	switch {
	case violatesUnique(err, "carrierfsm_key"): // another transaction has taken it meanwhile
		return carrierfsm.ErrKeyInUse, nil
	case s.creates && violatesUnique(err, "carrierfsm_verifications_pkey"): // as above
		return carrierfsm.ErrExists, nil
	case err != nil || written:
		return nil, err
	}
	list := make([]error, 1)
	s.explain(ctx, db, requests, []bool{false}, list)
	refuse(list, spending)
	return list[0], nil
}

// sendBatch writes requests in one statement. It returns a refusal, or nil, for
// each request; or an error if there is no result for any of them.
func (w *writer) sendBatch(ctx context.Context, db querier, requests []write.Request) ([]error, error) {
	spending, err := w.spendingOf(ctx, db, requests)
	if err != nil {
		return nil, notWritten{err}
	}
	s := w.sqlFor(requests, spending)
	written, err := w.runBatch(ctx, db, s, requests, spending)
	w.remember(db, requests, spending, written, err)
	if err != nil {
		return nil, err
	}
	list := make([]error, len(requests))
	if slices.Contains(written, false) {
		s.explain(ctx, db, requests, written, list)
		refuse(list, spending)
	}
	return list, nil
}

func (w *writer) sqlFor(requests []write.Request, spending []spending) *writeSQL {
	switch {
	case len(spending) > 0 && spending[0].exists:
		return &w.spending.exists
	case len(spending) > 0:
		return &w.spending.missing
	case slices.ContainsFunc(requests, func(r write.Request) bool { return r.Record.Key != "" }):
		return &w.withKey
	default:
		return &w.withoutKey
	}
}

// runOne runs the statement for one request and returns whether it wrote it.
func (w *writer) runOne(ctx context.Context, db querier, s *writeSQL, r *write.Request, spending []spending) (written bool, err error) {
	if c, ok := db.(*pgx.Conn); ok && w.fast {
		return runOneFast(ctx, c, s, r, spending)
	}
	return runOnePlain(ctx, db, s, r, spending)
}

func runOnePlain(ctx context.Context, db querier, s *writeSQL, r *write.Request, spending []spending) (written bool, err error) {
	sql, args := s.noEntry, recordArgs(&r.Record, s.creates)
	switch {
	case len(r.Entries) > 1:
		sql, args = s.severalEntries, append(args, entryArrays([]write.Request{*r})...)
	case len(r.Entries) == 1:
		sql, args = s.oneEntry, append(args, entryArgs(&r.Entries[0])...)
	}
	if len(spending) > 0 {
		args = append(args, ledgerArgs(&spending[0])...)
	}
	tag, err := db.Exec(ctx, sql, args...)
	return tag.RowsAffected() > 0, err
}

// runBatch runs the statement for several requests and returns which it wrote.
func (w *writer) runBatch(ctx context.Context, db querier, s *writeSQL, requests []write.Request, spending []spending) (written []bool, err error) {
	written = make([]bool, len(requests))
	if c, ok := db.(*pgx.Conn); ok && w.fast {
		return written, runBatchFast(ctx, c, s, requests, spending, written)
	}
	return written, runBatchPlain(ctx, db, s, requests, spending, written)
}

func runBatchPlain(ctx context.Context, db querier, s *writeSQL, requests []write.Request, spending []spending, written []bool) error {
	args := append(recordArrays(requests, s.creates), entryArrays(requests)...)
	if len(spending) > 0 {
		args = append(args, ledgerArrays(spending)...)
	}
	rows, err := db.Query(ctx, s.batch, args...)
	if err != nil {
		return err
	}
	var ord int64
	_, err = pgx.ForEachRow(rows, []any{&ord}, func() error {
		written[ord-1] = true
		return nil
	})
	return err
}

// explain sets the refusals of the requests that were not written. It reads newer
// rows than the statement did, so the reason may be another one by now; any reason
// that holds now is right too.
func (s *writeSQL) explain(ctx context.Context, db querier, requests []write.Request, written []bool, list []error) {
	var refused []int // indexes
	var ids, keys []string
	var versions []int64
	var previous [][]byte
	var inFlight []bool
	for i, ok := range written {
		if !ok {
			r := &requests[i].Record
			refused, ids, versions, keys = append(refused, i), append(ids, r.ID), append(versions, r.Version), append(keys, r.Key)
			previous, inFlight = append(previous, write.Previous(r)), append(inFlight, r.InFlight)
		}
	}
	reasons, err := retried(ctx, func(ctx context.Context) ([]int, error) {
		return collect(ctx, db, pgx.RowTo[int], s.why, ids, versions, keys, previous, inFlight)
	})
	err = wrap(err)
	if err == nil && len(reasons) != len(refused) {
		err = fmt.Errorf("carrierfsm/postgres: %d reasons for %d refusals", len(reasons), len(refused))
	}
	for n, i := range refused {
		list[i] = err
		if err == nil {
			list[i] = refusals[reasons[n]]
		}
	}
}
