package fsmtest

import (
	"errors"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/outbox"
)

var failureCases = []storeCase{
	{"ParkedErase", "Erase deletes the failures in the parked rows of its verification, and nothing else of them", parkedErase},
	{"ParkedCopies", "the store copies the failure of a row; what it returns belongs to the caller", parkedCopies},
}

func parkedErase(b *storeBench) error {
	box, err := b.outbox()
	if err != nil {
		return err
	}
	r, err := b.create("v1", 1)
	if err == nil {
		_, err = b.create("v2", 1)
	}
	rows := []outbox.Parked{parkedRow("one", "v1"), parkedRow("two", "v1"), parkedRow("one", "v2")}
	if err = first(err, box.Park(b.ctx, rows)); err != nil {
		return err
	}
	tombstone, e := next(r)
	late := tombstone
	late.Version++
	if err := first(
		want("Erase of a later version", b.Store.Erase(b.ctx, late, e), carrierfsm.ErrConflict),
		b.parked("the rows after a refused Erase", rows[0], rows[2], rows[1]),
		b.Store.Erase(b.ctx, tombstone, e),
	); err != nil {
		return err
	}
	rows[0].Failure, rows[1].Failure = nil, nil
	return b.parked("the rows after Erase", rows[0], rows[2], rows[1])
}

// parked compares the parked rows.
func (b *storeBench) parked(what string, want ...outbox.Parked) error {
	rows, err := b.Store.(outbox.Outbox).Parked(b.ctx, outbox.ParkedQuery{})
	return first(err, equal(what, want, rows))
}

func parkedCopies(b *storeBench) error {
	box, err := b.outbox()
	if err != nil {
		return err
	}
	row := parkedRow("one", "v1")
	given := parkedRow("one", "v1")
	if err := box.Park(b.ctx, []outbox.Parked{given}); err != nil {
		return err
	}
	clear(given.Failure)
	rows, err := box.Parked(b.ctx, outbox.ParkedQuery{})
	if err == nil && len(rows) != 1 {
		err = errors.New("of one parked row not one is returned")
	}
	if err = first(err, equal("the rows after a change of what was parked", []outbox.Parked{row}, rows)); err != nil {
		return err
	}
	clear(rows[0].Failure)
	return b.parked("the rows after a change of what was returned", row)
}
