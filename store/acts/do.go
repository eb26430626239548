package acts

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/internal/text"
)

// endTimeout bounds the store's answer to EndAct, also after the end of the caller's
// context.
const endTimeout = 5 * time.Second

// Do logs an act, does it, and logs its outcome. The operator is that of the context: see
// carrierfsm.ByOperator. a has the Kind, what it is done to, the Count that is meant, and
// the Reason, which is required. do returns to how many it was done.
//
// It returns carrierfsm.ErrInvalid without a name or a reason, or ErrNotLogged, and then
// do was not called; else the error of do, and ErrOutcomeNotLogged where the outcome can't
// be logged. A nil log logs nothing.
func Do(ctx context.Context, l Log, a Act, do func(ctx context.Context) (count int, err error)) error {
	err := prepare(ctx, l, &a)
	switch {
	case err != nil:
		return err
	case a.Reason == "":
		return fmt.Errorf("%w: acts: a reason is required", carrierfsm.ErrInvalid)
	case l == nil:
		_, err = do(ctx)
		return err
	}
	if err := l.LogAct(ctx, a); err != nil {
		return fmt.Errorf("%w: %w", ErrNotLogged, storeError(ctx, err))
	}
	count, err := do(ctx)
	ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), endTimeout)
	defer cancel()
	if e := l.EndAct(ending, a.ID, OutcomeOf(err), count); e != nil {
		err = errors.Join(err, fmt.Errorf("%w: %w", ErrOutcomeNotLogged, storeError(ending, e)))
	}
	return err
}

// Look logs that the operator of the context looked at something. Call it before what was
// read is shown, and only with the ID of a verification that exists: what an operator
// typed may be a phone number. It returns carrierfsm.ErrInvalid without a name, ErrStore,
// ErrClosed or the context's error. A nil log logs nothing.
func Look(ctx context.Context, l Log, a Act) error {
	err := prepare(ctx, l, &a)
	if err != nil || l == nil {
		return err
	}
	a.Outcome = Done
	if err := l.LogAct(ctx, a); err != nil {
		return storeError(ctx, err)
	}
	return nil
}

// placer is a Log of several shards: it makes of an act's id one on the shard of a
// verification.
type placer interface {
	PlaceAct(id, verification string) string
}

// prepare makes an act fit to be stored.
func prepare(ctx context.Context, l Log, a *Act) (err error) {
	if a.Operator, err = carrierfsm.Operator(ctx); err != nil {
		return err
	}
	if a.Operator == "" {
		return fmt.Errorf("%w: acts: an operator's name is required: carrierfsm.ByOperator", carrierfsm.ErrInvalid)
	}
	a.Reason = strings.TrimSpace(text.Redact(strings.Join(strings.Fields(a.Reason), " "), nil, MaxReason)) // one line
	id, err := uuid.NewV7()
	a.ID, a.At, a.Outcome, a.Ended = id.String(), time.Time{}, "", time.Time{}
	if p, ok := l.(placer); ok && a.Verification != "" {
		a.ID = p.PlaceAct(a.ID, a.Verification)
	}
	return err
}

// OutcomeOf returns the outcome of an act that returned err.
func OutcomeOf(err error) Outcome {
	switch {
	case err == nil:
		return Done
	case errors.Is(err, carrierfsm.ErrPending):
		return Pending
	}
	for _, refusal := range []error{
		carrierfsm.ErrNotFound, carrierfsm.ErrNotAwaited, carrierfsm.ErrInFlight, carrierfsm.ErrStale, carrierfsm.ErrConflict,
		carrierfsm.ErrInvalid, carrierfsm.ErrSealed, carrierfsm.ErrCorrupt, carrierfsm.ErrNewerTable,
	} {
		if errors.Is(err, refusal) {
			return Refused
		}
	}
	return Failed
}

// purgePage is how many acts are deleted at once.
const purgePage = 500

// PurgeBefore deletes the acts that were logged before the given time, in pages, and
// returns how many. With an error, those that were counted are deleted all the same. A
// service deletes them with carrierfsm.Config.ActRetention.
func PurgeBefore(ctx context.Context, l Log, before time.Time) (deleted int, err error) {
	for {
		n, err := l.PurgeActs(ctx, before, purgePage)
		deleted += n
		if err != nil {
			return deleted, storeError(ctx, err)
		}
		if n < purgePage {
			return deleted, nil
		}
	}
}

// storeError returns carrierfsm.ErrClosed of a store that is closed, the error of the
// caller's context if that has ended, or else an error that matches carrierfsm.ErrStore.
func storeError(ctx context.Context, err error) error {
	switch ended := ctx.Err(); {
	case errors.Is(err, carrierfsm.ErrClosed), errors.Is(err, carrierfsm.ErrInvalid):
		return err
	case ended != nil && errors.Is(err, ended):
		return err
	case ended != nil:
		return fmt.Errorf("%w: %w", ended, err)
	}
	return fmt.Errorf("%w: %w", carrierfsm.ErrStore, err)
}
