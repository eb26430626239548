// Package write has the request that the stores on disk queue and batch.
package write

import (
	"slices"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/store/internal/batch"
)

// Request is what one caller of Create, Commit or Erase wants to have written:
// the record, and the entries to append to its history.
type Request struct {
	Record  carrierfsm.Record
	Entries []carrierfsm.Entry
}

// Clone returns a request that shares no memory with r: it may be written after
// the caller, who owns Body and Detail, has returned.
func (r Request) Clone() Request {
	r.Record.Body = slices.Clone(r.Record.Body)
	r.Record.Spends = slices.Clone(r.Record.Spends)
	r.Entries = slices.Clone(r.Entries)
	for i := range r.Entries {
		r.Entries[i].Detail = slices.Clone(r.Entries[i].Detail)
	}
	return r
}

// Locks returns the names that two requests of one batch must not share.
func (r Request) Locks() batch.Locks {
	l := batch.Locks{ID: r.Record.ID, Key: r.Record.Key}
	if len(r.Record.Spends) > 0 {
		l.Ledger = r.Record.Spends[0].Key
	}
	return l
}

// Previous returns the commit id that the stored record must have; nil where it may
// be any.
func Previous(r *carrierfsm.Record) []byte {
	if r.Previous == [16]byte{} {
		return nil
	}
	return r.Previous[:]
}

// Body returns the body to store. It is never nil, because a nil slice would be
// stored as NULL.
func Body(r *carrierfsm.Record) []byte {
	if r.Body == nil {
		return []byte{}
	}
	return r.Body
}
