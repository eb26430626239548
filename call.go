package carrierfsm

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// call makes the one request of a submission and says what became of it.
func (s *submission) call(ctx context.Context, o *opened) (out outcome) {
	now := s.now()
	if now.Sub(o.Intent.At) > sendWithin || !now.Before(o.Intent.Deadline) {
		return outcome{fault: FaultNotSent} // this process stood still: too late to begin
	}
	ctx, end := s.cfg.Observer.call(ctx, Calling{ID: s.id, Call: o.Intent.Call, Input: s.in.Kind(), Source: o.At.Website})
	defer func() { end(Called{Fault: out.fault}) }()
	until := withDeadline(ctx, time.Now().Add(o.Intent.Deadline.Sub(now)).Round(0))
	ctx = until
	defer until.end()
	defer func() {
		if r := recover(); r != nil {
			s.cfg.Logger.WarnContext(ctx, "upstream panicked", "id", s.id, "panic", fmt.Sprintf("%T", r))
			out = outcome{fault: FaultUnknown}
		}
	}()
	if s.in.Kind() == InputApply {
		return s.apply(ctx)
	}
	return s.collect(ctx, o)
}

func (s *submission) apply(ctx context.Context) outcome {
	receipt, err := s.cfg.Upstream.Apply(ctx, Application{Form: s.form})
	if err != nil {
		return s.faulted(ctx, err)
	}
	if receipt.Accepted && (receipt.Token == "" || receipt.Source.Website == "") {
		return s.faulted(ctx, errNoToken)
	}
	var room [16]string
	values := hidden(room[:0], nil, append(s.form.personal(), receipt.Token)...)
	source, ok := cleanSource(receipt.Source, values)
	if !ok {
		return s.faulted(ctx, errEcho)
	}
	return outcome{
		reply:   Reply{Success: receipt.Accepted, Content: clean(receipt.Message, values)},
		receipt: receipt.Token,
		source:  source,
	}
}

func (s *submission) collect(ctx context.Context, o *opened) outcome {
	r := Request{
		Input: s.in.Kind(), Token: o.Token, Website: o.At.Website, Account: o.Account,
		QueryPassword: s.query, Captcha: s.captcha, NewPassword: s.chosen, Cursor: o.Cursor,
	}
	switch r.Input {
	case InputPassword, InputQueryPassword, InputCaptcha:
		r.Password = s.service
	case InputResendCaptcha:
		if o.Intent.Call == CallReset {
			r.Input = InputRequestReset // that is how upstream is asked for another
		}
	}
	reply, err := s.cfg.Upstream.Collect(ctx, r)
	if err != nil {
		return s.faulted(ctx, err)
	}
	var room [6]string
	values := hidden(room[:0], []Secret{s.service, s.query, s.captcha, s.chosen}, o.Account, o.Token)
	if reply.Next != nil {
		next, ok := cleanSource(*reply.Next, values)
		if !ok {
			return s.faulted(ctx, errEcho)
		}
		reply.Next = &next
	}
	return outcome{reply: cleanReply(reply, values)}
}

// Why an answer is of no use.
var (
	errNoToken = errors.New("carrierfsm: an accepted application without token or website")
	errEcho    = errors.New("carrierfsm: a website that repeats what was sent")
)

func (s *submission) faulted(ctx context.Context, err error) outcome {
	fault := FaultUnknown
	if errors.Is(err, ErrNotSent) {
		fault = FaultNotSent
	}
	s.cfg.Logger.WarnContext(ctx, "no reply from upstream", "id", s.id, "input", s.in.Kind(), "fault", fault)
	return outcome{fault: fault}
}

// conclude commits an outcome. It goes on trying until the grace is over, and
// finds the place of an outcome that was overtaken: by a cancellation, or by
// a replica that gave the call up. What has no place any more is dropped and
// counted.
func (m *Machine) conclude(ctx context.Context, o *opened, out *outcome) (d decision, err error) {
	name, end := o.Intent.Version, o.Intent.Deadline.Add(m.cfg.Grace)
	for {
		d = o.settle(out, m.now(), m.cfg.Limits)
		if err = m.persist(ctx, &d, end); err == nil {
			return d, nil
		}
		overtaken := *o
		if errors.Is(err, ErrConflict) {
			err = m.patiently(ctx, end, func(ctx context.Context) (e error) {
				overtaken, e = m.load(ctx, o.ID)
				return e
			})
		}
		switch {
		case errors.Is(err, ErrNotFound) || err == nil && !overtaken.awaitsOutcome(name, out):
			m.drops.Add(1)
			m.cfg.Logger.WarnContext(ctx, "a reply came too late", "id", o.ID, "step", o.Step)
			return decision{opened: overtaken}, ErrStale
		case err != nil:
			return decision{opened: *o}, fmt.Errorf("%w: %w", ErrPending, err)
		}
		o = &overtaken
	}
}

// awaitsOutcome tells whether there is a place for the outcome of the intent
// of this name: it is still open, or was given up and nothing has happened since.
func (o *opened) awaitsOutcome(name int64, out *outcome) bool {
	if o.Intent != nil {
		return o.Intent.Version == name
	}
	return o.Lost != nil && o.Lost.Version == name && out.fault == "" && !o.State.Terminal()
}

// persist writes one decision. It is the same commit at each try, so a lost
// answer does no harm.
func (m *Machine) persist(ctx context.Context, d *decision, end time.Time) error {
	w, err := m.codec.encode(d)
	if err != nil {
		return err
	}
	defer w.release()
	return m.patiently(ctx, end, func(ctx context.Context) error {
		return m.writeDraft(ctx, d, w, m.store.Commit)
	})
}

// patiently tries again while the store fails, until end. Each try is bounded,
// so that a store that hangs is asked again.
func (m *Machine) patiently(ctx context.Context, end time.Time, try func(context.Context) error) error {
	for pause := 10 * time.Millisecond; ; pause = min(2*pause, time.Second) {
		bounded := withDeadline(ctx, time.Now().Add(readBack))
		err := try(bounded)
		bounded.end()
		if !errors.Is(err, ErrStore) || !m.now().Add(pause).Before(end) {
			return err
		}
		m.cfg.Logger.WarnContext(ctx, "the outcome of a call can't be stored yet", "err", err)
		time.Sleep(pause)
	}
}
