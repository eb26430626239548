package carrierfsm

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/carrierfsm/carrierfsm/internal/lazydeadline"
	"github.com/carrierfsm/carrierfsm/internal/text"
)

// sendWithin is how soon after its intent a call must begin.
const sendWithin = 5 * time.Second

// submission is one input on its way.
type submission struct {
	*Machine
	id string
	in Input
	inputFields
	// begun is when the intent was made, with the reading of the monotonic clock
	// that the stored time does not have.
	begun time.Time
	// service is the service password that is sent with the input: typed, from
	// the cache, or from the carry.
	service Secret
	// done tells the Observer the end of the submission.
	done func(SubmitDone)
}

// call makes the one request of a submission and returns its outcome.
func (s *submission) call(ctx context.Context, snap *snapshot) (out outcome) {
	waited := s.now().Sub(snap.Intent.At)
	left := s.left(s.end(snap))
	if max(waited, -waited, time.Since(s.begun)) > sendWithin || left <= 0 {
		return outcome{fault: FaultNotSent} // the process was paused, or its clock was set: too late to begin
	}
	ctx, done := s.cfg.Observer.call(ctx, CallStart{ID: s.id, Call: snap.Intent.Call, Input: s.in.Kind(), Source: snap.At.Website})
	defer func() { done(CallDone{Fault: out.fault}) }()
	ctx, cancel := lazydeadline.With(ctx, time.Now().Add(left))
	defer cancel()
	returned := false
	defer func() {
		if !returned { // recover alone would miss runtime.Goexit, and panic(nil) under GODEBUG=panicnil=1
			s.cfg.Logger.WarnContext(ctx, "upstream panicked or ended its goroutine", "id", s.id, "panic", fmt.Sprintf("%T", recover()))
			out = outcome{fault: FaultUnknown}
		}
	}()
	if s.in.Kind() == InputApply {
		out = s.apply(ctx)
	} else {
		out = s.collect(ctx, snap)
	}
	returned = true
	return out
}

// end is when the call ends.
func (s *submission) end(snap *snapshot) deadline {
	return deadline{wall: snap.Intent.Deadline, mono: s.begun.Add(s.cfg.CallTimeout)}
}

// apply hands in the form.
func (s *submission) apply(ctx context.Context) outcome {
	receipt, err := s.cfg.Upstream.Apply(ctx, Application{Form: s.form})
	if err != nil {
		return s.faulted(ctx, err)
	}
	if receipt.Accepted && !usableReceipt(receipt) {
		return s.faulted(ctx, errReceipt)
	}
	var buffer [16]string
	values := valuesOf(buffer[:0], append(s.form.personal(), receipt.Token)...)
	source, ok := redactSource(receipt.Source, values)
	if !ok {
		return s.faulted(ctx, errEcho)
	}
	return outcome{
		reply:  Reply{Success: receipt.Accepted},
		text:   redact(receipt.Message, values),
		token:  receipt.Token.reveal(),
		source: source,
	}
}

// collect sends one answer of the person.
func (s *submission) collect(ctx context.Context, snap *snapshot) outcome {
	r := s.request(snap)
	reply, err := s.cfg.Upstream.Collect(ctx, r)
	if err != nil {
		return s.faulted(ctx, err)
	}
	var buffer [6]string
	values := valuesOf(buffer[:0], s.service, s.queryPassword, s.captcha, s.newPassword, r.Account, r.Token)
	if len(reply.Cursor) > maxCursor || reply.Next != nil && reply.Next.Website != "" && !text.Website(reply.Next.Website) {
		return s.faulted(ctx, errReply)
	}
	if reply.Next != nil {
		next, ok := redactSource(*reply.Next, values)
		if !ok {
			return s.faulted(ctx, errEcho)
		}
		reply.Next = &next
	}
	return outcome{reply: redactReply(reply, values), text: redact(reply.Content, values)}
}

// usableReceipt reports whether the token and the website of an accepted
// application can be stored and sent back unchanged.
func usableReceipt(r Receipt) bool {
	token := r.Token.reveal()
	return token != "" && checkFields(token) == nil && text.Website(r.Source.Website)
}

// request is what Collect sends for the input.
func (s *submission) request(snap *snapshot) Request {
	r := Request{
		Input: s.in.Kind(), Token: NewSecret(snap.Token), Website: snap.At.Website, Account: NewSecret(snap.Account),
		QueryPassword: s.queryPassword, Captcha: s.captcha, NewPassword: s.newPassword, Cursor: snap.Cursor,
	}
	switch r.Input {
	case InputPassword, InputQueryPassword, InputCaptcha:
		r.Password = s.service
	case InputResendCaptcha:
		if snap.Intent.Call == CallReset {
			r.Input = InputRequestReset // upstream sends another code of a reset for the same request
		}
	}
	return r
}

// The reasons for which an answer can't be used.
var (
	errReceipt = errors.New("carrierfsm: upstream accepted an application without a usable token or website")
	errReply   = errors.New("carrierfsm: upstream's next website is not one, or the adapter's cursor is too large")
	errEcho    = errors.New("carrierfsm: upstream's website contains a value that was sent")
)

// faulted is the outcome of a call that failed with err.
func (s *submission) faulted(ctx context.Context, err error) outcome {
	fault := FaultUnknown
	if errors.Is(err, ErrNotSent) {
		fault = FaultNotSent
	}
	s.cfg.Logger.WarnContext(ctx, "no reply from upstream", "id", s.id, "input", s.in.Kind(), "fault", fault)
	return outcome{fault: fault}
}
