package crashproof_test

import (
	"math/rand/v2"
	"time"

	"github.com/carrierfsm/carrierfsm"
)

// The times are those of production, divided by some hundreds.
const (
	callTimeout  = 300 * time.Millisecond
	grace        = 150 * time.Millisecond
	pollInterval = 25 * time.Millisecond
	lease        = 200 * time.Millisecond // of handlers
	// handlerTimeout is after what time a verification is handled whose slow call died with
	// its process.
	handlerTimeout = 2 * time.Second
	retryMin       = 20 * time.Millisecond
	retryMax       = 200 * time.Millisecond
)

var limits = carrierfsm.Limits{
	Applications: 4, Passwords: 4, QueryPasswords: 4, Captchas: 5, Resends: 6, Resets: 3,
	ResendAfter: 20 * time.Millisecond, CodeLife: 600 * time.Millisecond,
	IdleLife: 1200 * time.Millisecond, Life: 4 * time.Second,
}

// settings are the settings of a replica.
type settings struct {
	Store       string         // sqlite or postgres
	Source      string         // a path or a DSN
	Shards      []shardAddress // where it has several stores instead of the Source
	Upstream    string         // its URL
	DeliveryLog string         // the file to which the handler writes
	Journal     string         // the folder of journalSabotage
	Sabotage    string         // of this replica's ports; empty: none
	// Unbound seals without binding, as earlier builds did. Only then does a replica keep
	// snapshots, so that a submission loads nothing.
	Unbound bool
}

// newRand returns the random numbers of one actor. Each actor has its own, so that the
// pace of one does not change what another one does.
func newRand(seed uint64, actor string, n int) *rand.Rand {
	h := uint64(14695981039346656037)
	for _, b := range []byte(actor) {
		h = (h ^ uint64(b)) * 1099511628211
	}
	return rand.New(rand.NewPCG(seed, h+uint64(n)*0x9e3779b97f4a7c15))
}

// between is a random time from a to b.
func between(r *rand.Rand, a, b time.Duration) time.Duration {
	return a + time.Duration(r.Int64N(int64(b-a)+1))
}
