package carrierfsm

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/carrierfsm/carrierfsm/internal/lazydeadline"
	"github.com/carrierfsm/carrierfsm/internal/semaphore"
	"github.com/carrierfsm/carrierfsm/internal/text"
)

// sendWithin is how soon after its intent a call must begin.
const sendWithin = 5 * time.Second

// peoplePerSettler is for how many submissions a chunk has one settler. As a replica settles
// chunksAtOnce at once, its sweep commits one for each 8 of them.
const peoplePerSettler = 32

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
	// done is what the Observer returned for the end of the submission.
	done func(SubmitDone)

	// intended is the verification as the commit of the intent left it, or, where the
	// input is refused, as far as it is known. It is not changed while the call is under way.
	intended snapshot
	// finished is closed after the outcome was committed and after and err, which
	// Submit returns, were set.
	finished chan struct{}
	after    Verification
	err      error
}

// acquireInFlight waits while Config.MaxInFlight submissions are under way. It returns
// ErrClosed or the context's error.
func (m *Machine) acquireInFlight(ctx context.Context) error {
	err := m.inFlight.Acquire(ctx, m.calls.Closing())
	if errors.Is(err, semaphore.ErrStopped) {
		return ErrClosed
	}
	return err
}

// settlersNow returns how many of a chunk's settlers may run. While people submit in this
// process that is one for each peoplePerSettler of them, at least one. Each settler above
// that number ends after its present record.
func (m *Machine) settlersNow(all int) int {
	if people := m.inFlight.InUse(); people > 0 {
		return max(1, people/peoplePerSettler)
	}
	return all
}

// call makes the one request of a submission and returns its outcome.
func (s *submission) call(ctx context.Context, snap *snapshot) (out outcome) {
	wall, mono := s.clocks()
	end := s.end(snap)
	waited, left := wall.Sub(snap.Intent.At), min(end.wall.Sub(wall), end.mono.Sub(mono))
	if max(waited, -waited, mono.Sub(s.begun)) > sendWithin || left <= 0 {
		return outcome{fault: FaultNotSent} // the process was paused, or its clock was set: too late to begin
	}
	ctx, done := s.cfg.Observer.call(ctx, CallStart{ID: s.id, Call: snap.Intent.Call, Input: s.in.Kind(), Source: snap.At.Website})
	defer func() { done(CallDone{Fault: out.fault}) }()
	ctx, cancel := lazydeadline.With(ctx, mono.Add(left))
	defer cancel()
	returned := false
	defer func() {
		if !returned { // recover alone would miss runtime.Goexit, and panic(nil) under GODEBUG=panicnil=1
			s.cfg.Logger.WarnContext(ctx, "upstream panicked or ended its goroutine", "id", s.id, "panic", fmt.Sprintf("%T", recover()))
			out = outcome{fault: FaultUnknown}
		}
	}()
	if s.in.Kind() == InputApply {
		out = s.apply(ctx, snap)
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
func (s *submission) apply(ctx context.Context, snap *snapshot) outcome {
	known := s.rememberValues(snap)
	receipt, err := s.cfg.Upstream.Apply(ctx, Application{Form: s.form})
	if err != nil {
		return s.faulted(ctx, err)
	}
	if !receipt.Accepted { // a token and a source mean nothing
		return outcome{text: redact(receipt.Message, known)}
	}
	if receipt.Source.Website == "" || !checkToken(receipt.Token, known) {
		return s.faulted(ctx, errUnfit)
	}
	addValues(known, text.Secret, receipt.Token)
	source, ok := checkSource(receipt.Source, known)
	if !ok {
		return s.faulted(ctx, errUnfit)
	}
	return outcome{
		reply:  Reply{Success: true},
		text:   redact(receipt.Message, known),
		token:  receipt.Token.reveal(),
		source: source,
	}
}

// collect sends one answer of the person.
func (s *submission) collect(ctx context.Context, snap *snapshot) outcome {
	r := s.request(snap)
	known := s.rememberValues(snap)
	reply, err := s.cfg.Upstream.Collect(ctx, r)
	if err != nil {
		return s.faulted(ctx, err)
	}
	if !checkCursor(reply.Cursor, known) {
		return s.faulted(ctx, errUnfit)
	}
	if reply.Next != nil {
		next, ok := checkSource(*reply.Next, known)
		if !ok {
			return s.faulted(ctx, errUnfit)
		}
		reply.Next = &next
	}
	return outcome{reply: redactReply(reply, known), text: redact(reply.Content, known)}
}

// rememberValues adds what the submission sends to the values that this process knows of
// its verification, and returns them all.
func (s *submission) rememberValues(snap *snapshot) *text.Values {
	v, first := s.known.GetOrPut(s.id, snap.Life.Sub(snap.Intent.At), func() *text.Values { return new(text.Values) })
	if first && snap.Intent.Call != CallApply {
		v.Add(text.Detail, []byte(snap.Account))
		v.Add(text.Secret, []byte(snap.Token))
	}
	addValues(v, text.Name, s.form.Name)
	addValues(v, text.Detail, s.form.IDCard, s.form.Phone, s.form.HomeAddress, s.form.HomePhone, s.form.WorkAddress, s.form.WorkPhone)
	for _, c := range s.form.Contacts {
		addValues(v, text.Name, c.Name)
		addValues(v, text.Detail, c.Phone)
	}
	addValues(v, text.Secret, s.service, s.queryPassword, s.captcha, s.newPassword)
	return v
}

// request is what Collect sends for the input.
func (s *submission) request(snap *snapshot) Request {
	r := Request{
		Input: s.in.Kind(), Token: NewSecret(snap.Token), Website: snap.At.Website, Account: NewSecret(snap.Account),
		QueryPassword: s.queryPassword, Captcha: s.captcha, NewPassword: s.newPassword, Cursor: slices.Clone(snap.Cursor),
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

// errUnfit is the error of an answer whose token, website or cursor has a wrong form
// or repeats a value that was sent. It does not quote the answer, which may be
// personal.
var errUnfit = errors.New("carrierfsm: upstream's token, website or cursor can't be taken")

// faulted is the outcome of a call that failed with err.
func (s *submission) faulted(ctx context.Context, err error) outcome {
	fault := FaultUnknown
	if errors.Is(err, ErrNotSent) {
		fault = FaultNotSent
	}
	s.cfg.Logger.WarnContext(ctx, "no reply from upstream", "id", s.id, "input", s.in.Kind(), "fault", fault)
	return outcome{fault: fault}
}
