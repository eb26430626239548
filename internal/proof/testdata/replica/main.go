// Command replica is one replica for the test of a rolling upgrade. It uses only the
// ports of the stores, so the same text compiles in the build before the newest
// migration and in this one. It opens a store, commits to records that all replicas
// share, and passes entries as a handler, until its standard input ends. It prints
// "working" for each line that it reads, after it has worked for a while, and at the
// end its report.
package main

import (
	"bufio"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/outbox"
	"github.com/carrierfsm/carrierfsm/store/postgres"
	"github.com/carrierfsm/carrierfsm/store/sqlite"
)

type store interface {
	carrierfsm.Store
	outbox.Outbox
	Close() error
}

func main() {
	if err := run(os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func open(ctx context.Context, spec string) (store, error) {
	if path, ok := strings.CutPrefix(spec, "sqlite:"); ok {
		return sqlite.Open(ctx, path)
	}
	return postgres.Open(ctx, spec)
}

// replica has what the replica did.
type replica struct {
	name  string
	store store
	lease *outbox.Lease // the latest one, unless it was released
	turn  int

	Commits int
	Handled []int64
}

// rounds is how many rounds a replica works for a line.
const rounds = 20

func run(spec, name string) error {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	s, err := open(ctx, spec)
	if err != nil {
		return err
	}
	lines := make(chan struct{})
	go func() {
		defer close(lines)
		for input := bufio.NewScanner(os.Stdin); input.Scan(); {
			lines <- struct{}{}
		}
	}()
	r := &replica{name: name, store: s}
	for {
		asked, open := false, true
		select {
		case _, open = <-lines:
			asked = open
		default:
		}
		if !open {
			report, err := json.Marshal(r)
			fmt.Println(string(report))
			return errors.Join(err, r.release(ctx), s.Close())
		}
		for range rounds {
			if err := errors.Join(r.commit(ctx), r.handle(ctx)); err != nil {
				return err
			}
		}
		if asked {
			fmt.Println("working")
		}
	}
}

// commit commits the next step of one of the records, unless another replica is
// faster.
func (r *replica) commit(ctx context.Context) error {
	r.turn++
	id := fmt.Sprintf("v%d", r.turn%4)
	record, err := r.store.Load(ctx, id)
	if errors.Is(err, carrierfsm.ErrNotFound) {
		now := time.Now().UTC().Truncate(time.Microsecond)
		record = carrierfsm.Record{ID: id, State: carrierfsm.AwaitingCaptcha, Version: 1, Table: 1, Due: now, Created: now, Updated: now, Body: []byte(`{}`)}
		if err = r.store.Create(ctx, record); errors.Is(err, carrierfsm.ErrExists) {
			return nil
		}
	}
	if err != nil {
		return err
	}
	record.Version++
	record.Step++
	if _, err := rand.Read(record.CommitID[:]); err != nil {
		return err
	}
	err = r.store.Commit(ctx, record, carrierfsm.Entry{
		ID: id, Step: record.Step, From: record.State, Event: carrierfsm.CaptchaRejected, To: record.State, At: record.Updated, Detail: []byte(r.name),
	})
	if errors.Is(err, carrierfsm.ErrConflict) {
		return nil
	}
	if err == nil {
		r.Commits++
	}
	return err
}

// handle passes some entries if this replica gets the lease, and now and then leaves
// the lease to another one.
func (r *replica) handle(ctx context.Context) error {
	lease, err := r.store.Acquire(ctx, "handler", r.name, time.Minute, outbox.FromBeginning)
	if errors.Is(err, outbox.ErrLeaseHeld) {
		return nil
	}
	if err != nil {
		return err
	}
	r.lease = &lease
	batch, err := r.store.Pending(ctx, lease, 100)
	if err != nil || len(batch.Entries) == 0 {
		return err
	}
	if err := r.store.Advance(ctx, lease, batch, len(batch.Entries), nil); err != nil {
		return err
	}
	for _, e := range batch.Entries {
		r.Handled = append(r.Handled, e.Position)
	}
	if r.turn%2 == 0 {
		return r.release(ctx)
	}
	return nil
}

func (r *replica) release(ctx context.Context) error {
	if r.lease == nil {
		return nil
	}
	lease := *r.lease
	r.lease = nil
	return r.store.Release(ctx, lease)
}
