package outbox

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"time"

	"github.com/carrierfsm/carrierfsm"
)

// call is one call of a handler, on a goroutine of its own.
type call struct {
	entry   carrierfsm.Entry
	expires time.Time // when its time is over, by the dispatcher's clock
	report  func(HandleDone)

	overdue <-chan struct{} // closed when its time is over
	done    chan struct{}   // closed when it has returned, and why and err are set
	why     string          // how it failed; "" if it did not
	err     error
}

// errGoexit is the error of a handler that called runtime.Goexit, and
// errRunning that of a handler that has not returned from an earlier call for the
// same verification.
var (
	errGoexit  = errors.New("outbox: the handler ended its goroutine")
	errRunning = errors.New("outbox: an earlier call for this verification has not returned")
)

type machineKey struct{}

// Machine returns the machine of the dispatcher that called the handler, of the
// context that the handler was given; nil for any other context. A handler reads the
// verification with it: its prompt, the token for the data calls. A machine that is
// closed returns ErrClosed, and the handler is called again.
func Machine(ctx context.Context) *carrierfsm.Machine {
	m, _ := ctx.Value(machineKey{}).(*carrierfsm.Machine)
	return m
}

// start calls the handler.
func (h Handler) start(ctx context.Context, t carrierfsm.Transition, timeout time.Duration) *call {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), timeout)
	c := &call{overdue: ctx.Done(), done: make(chan struct{})}
	go func() {
		defer cancel()
		defer close(c.done)
		c.why, c.err = whyPanic, errGoexit
		defer func() {
			if p := recover(); p != nil {
				c.err = panicked(p)
			}
		}()
		switch err := h(ctx, t); {
		case err == nil:
			c.why, c.err = "", nil
		case ctx.Err() != nil && errors.Is(err, ctx.Err()):
			c.why, c.err = whyTimeout, err
		default:
			c.why, c.err = whyError, err
		}
	}()
	return c
}

// ended is a call that was not made.
func ended(why string, err error) *call {
	c := &call{done: make(chan struct{}), why: why, err: err}
	close(c.done)
	return c
}

// returned reports whether the call has returned.
func (c *call) returned() bool {
	select {
	case <-c.done:
		return true
	default:
		return false
	}
}

// result is how the call ended: by its return, or because its time is over.
func (c *call) result() (why string, err error) {
	if c.returned() {
		return c.why, c.err
	}
	return whyTimeout, context.DeadlineExceeded
}

// slowCalls are the calls of one handler that delivery does not wait for any more,
// in this process. They outlive terms.
type slowCalls struct {
	slots chan struct{} // holds a value for each of them

	mu        sync.Mutex
	running   map[string]*call // by verification
	abandoned int              // those whose time is over
}

func newSlowCalls(most int) *slowCalls {
	return &slowCalls{slots: make(chan struct{}, most), running: make(map[string]*call)}
}

// has reports whether an earlier call for the verification has not returned.
func (s *slowCalls) has(id string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.running[id] != nil
}

// keep counts a call until it returns. Its slot was taken, unless slot is false.
func (s *slowCalls) keep(c *call, slot bool) {
	s.mu.Lock()
	s.running[c.entry.ID] = c
	s.mu.Unlock()
	go func() {
		overdue := false
		select {
		case <-c.done:
		case <-c.overdue:
			overdue = true
			s.count(1)
			<-c.done
		}
		if overdue {
			s.count(-1)
		}
		s.mu.Lock()
		delete(s.running, c.entry.ID)
		s.mu.Unlock()
		if slot {
			<-s.slots
		}
	}()
}

func (s *slowCalls) count(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.abandoned += n
}

// await waits for a call. It returns true if the call is slow and goes on while delivery
// does not wait for it, and false if it has returned or its time is over. A call whose
// time is over and that does not return is counted among the slow ones too. Of these
// there are at most Config.MaxSlow: when there are as many, delivery waits until one of
// them returns.
func (t *term) await(ctx context.Context, c *call, p *page) (left bool) {
	if t.patience < t.cfg.Timeout {
		if p.wait(c, t.patience) {
			return false
		}
		select {
		case t.slow.slots <- struct{}{}:
			t.slow.keep(c, true)
			return true
		default:
		}
	}
	select {
	case <-c.done:
		return false
	case <-c.overdue:
	}
	if c.returned() {
		return false
	}
	select {
	case <-c.done:
	case t.slow.slots <- struct{}{}:
		t.slow.keep(c, true)
	case <-ctx.Done(): // Run returns
		t.slow.keep(c, false)
	}
	return false
}

// panicked is the error of a handler that panicked: the type of the value, and where
// it was. The value itself may be personal.
func panicked(value any) error {
	where := "unknown"
	callers := make([]uintptr, 32)
	frames := runtime.CallersFrames(callers[:runtime.Callers(3, callers)])
	for more := true; more; {
		var frame runtime.Frame
		if frame, more = frames.Next(); !strings.HasPrefix(frame.Function, "runtime.") {
			where = fmt.Sprintf("%s (%s:%d)", frame.Function, filepath.Base(frame.File), frame.Line)
			break
		}
	}
	return fmt.Errorf("outbox: the handler panicked with a %T at %s", value, where)
}
