package fsmtest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"testing"
	"time"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/outbox"
)

// WatcherSubject is StoreSubject for TestWatcher.
type WatcherSubject struct {
	// Store watches.
	Store interface {
		carrierfsm.Store
		outbox.Watcher
		io.Closer
	}
	// Other opens the same database a second time, as another process does.
	Other func() (carrierfsm.Store, error)
}

// TestWatcher runs the contract of outbox.Watcher, as TestStore does.
func TestWatcher(t *testing.T, open func(tb testing.TB) WatcherSubject) {
	t.Helper()
	testCases(t, watchCases, func(tb testing.TB) StoreSubject { tb.Helper(); return open(tb).store() })
}

// CheckWatcher is CheckStore for the cases of TestWatcher.
func CheckWatcher(tb testing.TB, open func(tb testing.TB) WatcherSubject) error {
	tb.Helper()
	return checkCases(tb, watchCases, func(tb testing.TB) StoreSubject { tb.Helper(); return open(tb).store() })
}

func (s WatcherSubject) store() StoreSubject { return StoreSubject{Store: s.Store, Reopen: s.Other} }

var watchCases = []storeCase{
	{"WatchBegins", "Watch calls committed when it has begun, for the commits before it", watchBegins},
	{"WatchOthers", "Watch calls committed after a commit of another process", watchOthers},
	{"WatchContext", "Watch returns the error of its context when that ends, and calls committed no more", watchContext},
	{"WatchClosed", "Close ends Watch with ErrClosed, and after Close it returns ErrClosed", watchClosed},
}

// watching is a call of Watch that is under way.
type watching struct {
	woken chan struct{}
	ended chan error
	stop  context.CancelFunc
}

func (b *storeBench) watch() *watching {
	ctx, stop := context.WithCancel(b.ctx)
	w := &watching{woken: make(chan struct{}, 1000), ended: make(chan error, 1), stop: stop}
	go func() {
		w.ended <- b.Store.(outbox.Watcher).Watch(ctx, func() {
			select {
			case w.woken <- struct{}{}:
			default: // it has been called more often than anything here waits for
			}
		})
	}()
	return w
}

// errQuiet says that nothing came for a long time.
var errQuiet = errors.New("Watch neither called committed nor returned within 20 s")

func (w *watching) wait() error {
	select {
	case <-w.woken:
		return nil
	case err := <-w.ended:
		return fmt.Errorf("Watch returned: %w", orNone(err))
	case <-time.After(20 * time.Second):
		return errQuiet
	}
}

// end waits until Watch has returned.
func (w *watching) end() error {
	select {
	case err := <-w.ended:
		return err
	case <-time.After(20 * time.Second):
		return errQuiet
	}
}

func watchBegins(b *storeBench) error {
	w := b.watch()
	defer w.stop()
	return w.wait()
}

func watchOthers(b *storeBench) error {
	store, err := b.Reopen()
	if err != nil {
		return err
	}
	w := b.watch()
	defer w.stop()
	if err := w.wait(); err != nil {
		return err
	}
	other := &storeBench{StoreSubject: StoreSubject{Store: store}, ctx: b.ctx}
	wakes := func(write func() error) error {
		for len(w.woken) > 0 {
			<-w.woken
		}
		if err := write(); err != nil {
			return err
		}
		return w.wait()
	}
	for i := range 3 {
		var r carrierfsm.Record
		err := wakes(func() (err error) {
			r, err = other.create(fmt.Sprint("v", i), 1)
			return err
		})
		if err != nil {
			return err
		}
		err = wakes(func() error {
			erased, e := next(r)
			return other.Store.Erase(b.ctx, erased, e)
		})
		if err != nil {
			return fmt.Errorf("after Erase: %w", err)
		}
	}
	return nil
}

func watchContext(b *storeBench) error {
	w := b.watch()
	defer w.stop()
	if err := w.wait(); err != nil {
		return err
	}
	w.stop()
	if err := want("Watch with a context that has ended", w.end(), context.Canceled); err != nil {
		return err
	}
	for len(w.woken) > 0 {
		<-w.woken
	}
	if _, err := b.create("v1", 1); err != nil {
		return err
	}
	if len(w.woken) > 0 {
		return errors.New("committed was called after Watch had returned")
	}
	return nil
}

func watchClosed(b *storeBench) error {
	w := b.watch()
	defer w.stop()
	if err := w.wait(); err != nil {
		return err
	}
	if err := b.Store.(io.Closer).Close(); err != nil {
		return fmt.Errorf("calling Close: %w", err)
	}
	if err := want("Watch under way", w.end(), carrierfsm.ErrClosed); err != nil {
		return err
	}
	err := b.Store.(outbox.Watcher).Watch(b.ctx, func() {})
	return want("Watch after Close", err, carrierfsm.ErrClosed)
}
