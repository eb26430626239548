// Package byhand is what a host would write with a state machine library and
// database/sql: it loads the row, calls upstream, asks the library for the next
// state, and writes row, history and outbox, in one transaction for each transition.
// It writes no intent, so after a crash it does not know whether a call was made.
// Its outbox has no reader.
package byhand

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/bench/measure/subject"
	"github.com/carrierfsm/carrierfsm/bench/measure/workload"
)

// The names of the subjects.
const (
	Looplab   = "looplab/fsm + database/sql by hand"
	Stateless = "qmuntal/stateless + database/sql by hand"
)

// The numbers for a verification: a creation, and a commit for each transition.
const (
	transitions = 4
	commits     = 1 + transitions
)

// Kinds returns one subject for each library.
func Kinds() []subject.Kind {
	kind := func(name string, library func() decider) subject.Kind {
		return subject.Kind{
			Name: name, Media: []subject.Medium{subject.SQLiteFull, subject.SQLiteNormal, subject.Postgres},
			Commits: commits, Transitions: transitions,
			Open: func(ctx context.Context, p subject.Storage) (subject.Subject, error) {
				b, err := openDatabase(ctx, p)
				if err != nil {
					return nil, err
				}
				return &host{database: b, library: library()}, nil
			},
		}
	}
	return []subject.Kind{
		kind(Looplab, func() decider { return looplab{} }),
		kind(Stateless, newStateless),
	}
}

// decider is a state machine library.
type decider interface {
	// decide returns the state after an event.
	decide(ctx context.Context, from, event string) (to string, err error)
}

// host is the host's service.
type host struct {
	*database
	library  decider
	upstream workload.Upstream
}

func (h *host) Verify(ctx context.Context, lap func()) error {
	id, err := uuid.NewV7()
	if err != nil {
		return err
	}
	for _, step := range []func(context.Context, string) error{h.create, h.apply, h.password, h.code} {
		if err := step(ctx, id.String()); err != nil {
			return err
		}
		lap()
	}
	return nil
}

func (h *host) apply(ctx context.Context, id string) error {
	r, err := h.load(ctx, id)
	if err != nil {
		return err
	}
	receipt, err := h.upstream.Apply(ctx, carrierfsm.Application{Form: workload.Form()})
	if err != nil || !receipt.Accepted {
		return errors.Join(errors.New("byhand: the form was refused"), err)
	}
	r.token, r.website, r.account = workload.Reveal(receipt.Token), receipt.Source.Website, workload.Phone
	message := workload.Reveal(receipt.Message)
	if r, err = h.fire(ctx, r, carrierfsm.ApplicationAccepted, message); err != nil {
		return err
	}
	_, err = h.fire(ctx, r, carrierfsm.PasswordRequested, message)
	return err
}

func (h *host) password(ctx context.Context, id string) error {
	return h.answer(ctx, id, carrierfsm.Request{Input: carrierfsm.InputPassword, Password: carrierfsm.NewSecret(workload.Password)})
}

func (h *host) code(ctx context.Context, id string) error {
	return h.answer(ctx, id, carrierfsm.Request{
		Input: carrierfsm.InputCaptcha, Password: carrierfsm.NewSecret(workload.Password), Captcha: carrierfsm.NewSecret(workload.Code),
	})
}

// events maps the two codes of this upstream to events.
var events = map[carrierfsm.ProcessCode]carrierfsm.Event{
	"10002": carrierfsm.CaptchaRequested, "10008": carrierfsm.CollectionStarted,
}

func (h *host) answer(ctx context.Context, id string, in carrierfsm.Request) error {
	r, err := h.load(ctx, id)
	if err != nil {
		return err
	}
	in.Token, in.Website, in.Account = carrierfsm.NewSecret(r.token), r.website, carrierfsm.NewSecret(r.account)
	reply, err := h.upstream.Collect(ctx, in)
	if err != nil {
		return err
	}
	_, err = h.fire(ctx, r, events[reply.Code], workload.Reveal(reply.Content))
	return err
}

// fire makes one transition and commits it.
func (h *host) fire(ctx context.Context, r row, event carrierfsm.Event, message string) (row, error) {
	to, err := h.library.decide(ctx, r.state, string(event))
	if err != nil {
		return r, fmt.Errorf("byhand: %s in %s: %w", event, r.state, err)
	}
	from := r.state
	r.state, r.message, r.version = to, message, r.version+1
	return r, h.commit(ctx, r, from, string(event))
}
