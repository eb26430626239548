package postgres

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/carrierfsm/carrierfsm/budget"
	"github.com/carrierfsm/carrierfsm/internal/ttlmap"
	"github.com/carrierfsm/carrierfsm/store/internal/write"
)

// The ledgers that requests write are computed here. A statement writes a ledger only if it
// is as it was when it was read. One that was written here with the version before of the
// same record need not be read again: another verification of the number has rarely
// written it meanwhile. A spend is refused only by a ledger that was read for it.

// spending is what a request does to the ledger of its key. It has no key if the ledger refuses
// it: no statement writes it then.
type spending struct {
	request int // its index
	key     string
	exists  bool           // there is a row
	before  []budget.Stamp // in the order of the row
	after   budget.Ledger
	refusal error
}

// spendingOf returns what the requests do to ledgers, in the order of the keys.
func (w *writer) spendingOf(ctx context.Context, db querier, requests []write.Request) (list []spending, err error) {
	var open []int
	for i := range requests {
		if len(requests[i].Record.Spends) > 0 {
			open = append(open, i)
		}
	}
	if len(open) == 0 {
		return nil, nil
	}
	refusals := make(map[int]error, len(open))
	for _, remembered := range []bool{true, false} {
		if len(open) == 0 {
			break
		}
		ledgers, err := w.ledgersOf(ctx, db, requests, open, remembered)
		if err != nil {
			return nil, err
		}
		open = slices.DeleteFunc(open, func(i int) bool {
			spends := requests[i].Record.Spends
			before, exists := ledgers[spends[0].Key]
			after, err := before.apply(spends)
			if err == nil {
				list = append(list, spending{request: i, key: spends[0].Key, exists: exists, before: before.Stamps, after: after})
			}
			refusals[i] = err
			return err == nil
		})
	}
	for _, i := range open {
		list = append(list, spending{request: i, exists: true, refusal: refusals[i]})
	}
	slices.SortFunc(list, func(a, b spending) int { return cmp.Compare(a.key, b.key) })
	return list, nil
}

// ledgersOf returns those ledgers of some requests that exist, by key. If remembered is false it
// reads all of them, else those that are not remembered.
func (w *writer) ledgersOf(ctx context.Context, db querier, requests []write.Request, of []int, remembered bool) (map[string]storedLedger, error) {
	ledgers, unknown := make(map[string]storedLedger, len(of)), []string(nil)
	for _, i := range of {
		r := &requests[i].Record
		key := r.Spends[0].Key
		l, _ := w.ledgers.Get(r.ID, func(l writtenLedger) writtenLedger { return l })
		if remembered && l.key == key && l.version == r.Version-1 {
			ledgers[key] = storedLedger{key: key, Ledger: l.Ledger}
		} else {
			unknown = append(unknown, key)
		}
	}
	if len(unknown) == 0 {
		return ledgers, nil
	}
	stored, err := loadLedgers(ctx, db, unknown...)
	for _, l := range stored {
		ledgers[l.key] = l
	}
	return ledgers, err
}

// apply returns what a ledger becomes, in the precision of a row.
func (l storedLedger) apply(spends []budget.Spend) (budget.Ledger, error) {
	if l.err != nil {
		return budget.Ledger{}, l.err
	}
	before := budget.Ledger{Stamps: slices.Clone(l.Stamps), Expires: l.Expires}
	before.Sort()
	spends = slices.Clone(spends)
	for i := range spends {
		spends[i].At = spends[i].At.UTC().Truncate(time.Microsecond)
	}
	after, err := before.Apply(spends)
	if after.Expires.IsZero() { // there was nothing to be given back
		after.Expires = spends[0].At
	}
	return after, err
}

// How many ledgers a store remembers, and for how long.
const (
	maxLedgers  = 1 << 14
	ledgersLast = 5 * time.Minute // as long as a password is held by default
)

// writtenLedger is the ledger that was last written with a record, and the latest version of
// that record that this store has written.
type writtenLedger struct {
	budget.Ledger
	key     string
	version int64
}

// newLedgers returns a map of ledgers by the id of the record.
func newLedgers() *ttlmap.Map[writtenLedger] { return ttlmap.New(func(writtenLedger) {}) }

// remember notes the ledgers that were written, unless the statement failed with err, and
// forgets the others, and those of verifications that have ended.
func (w *writer) remember(db querier, requests []write.Request, list []spending, written []bool, err error) {
	_, committed := db.(*pgx.Conn) // else in a transaction
	kept := func(i int) bool { return err == nil && committed && written[i] }
	for i := range list {
		s := &list[i]
		r := &requests[s.request].Record
		l := writtenLedger{Ledger: s.after, key: s.key, version: r.Version}
		if kept(s.request) {
			w.ledgers.Put(r.ID, l, ledgersLast)
		} else {
			w.ledgers.Delete(r.ID)
		}
	}
	w.ledgers.Trim(maxLedgers)
	for i := range requests {
		r := &requests[i].Record
		switch {
		case r.State.Terminal():
			w.ledgers.Delete(r.ID)
		case len(r.Spends) == 0 && kept(i):
			w.ledgers.Update(r.ID, func(l writtenLedger) writtenLedger {
				if l.version == r.Version-1 {
					l.version = r.Version
				}
				return l
			})
		}
	}
}

// refuse sets the refusals of requests that nothing but a ledger refuses. A spending without one
// was not written because another replica has changed the ledger: a retry reads that.
func refuse(list []error, of []spending) {
	for _, s := range of {
		if s.refusal != nil && errors.Is(list[s.request], errRetry) {
			list[s.request] = s.refusal
		}
	}
}
