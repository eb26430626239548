package carrierfsm

import (
	"context"
	"errors"
	"sync"
	"time"
)

// Reporter tells how the collection goes on after a verification is done:
// whether upstream has its report. It is a power apart from Upstream, since it
// needs other credentials; *juxinli.Data is one.
type Reporter interface {
	// ReportState asks for the application of this token. It only reads, and may
	// be asked again; it is safe for concurrent use. The token stays the
	// caller's. Any error means that it has to be asked again later; it carries
	// no token and no body.
	ReportState(ctx context.Context, token Secret) (ReportState, error)
}

// ReportState is how far the collection of a verification that is done has come.
type ReportState string

// The states of a report.
const (
	ReportPending ReportState = "pending"
	ReportIsReady ReportState = "ready"
	ReportHasNone ReportState = "failed"
)

// Prechecker is a further power of an Upstream: Submit asks it before a form
// is handed in, so that one which would be refused anyway is not sent, and
// spends no attempt. *juxinli.Guard has it, for operators that are offline.
type Prechecker interface {
	// Check returns why the form should not be sent. Submit returns that error,
	// wrapped in an *Error. What Check can't find out is no reason; it should not
	// take more than a second or two.
	Check(ctx context.Context, f Form) error
}

// watch is what a record that is done keeps while its report is waited for.
type watch struct {
	// Tries is how often it was asked for.
	Tries int `json:"tries,omitempty"`
	// Until is how long an answer "pending" is put up with.
	Until time.Time `json:"until"`
}

func (w *watch) fields(f *fields) {
	number(f, "tries", &w.Tries, omit)
	f.time("until", &w.Until, keep)
	f.end()
}

// askReport is a claim: the next version of a record whose report is due to
// be asked for, due again later. Who commits it asks. It does not count as a
// change, so that a report that never comes keeps nothing from being purged.
func (o opened) askReport(now time.Time, l Limits) opened {
	o.touch(o.Updated)
	w := *o.Watch
	wait := l.ReportMin
	for range w.Tries {
		if wait = 2 * wait; wait >= l.ReportMax {
			wait = l.ReportMax
			break
		}
	}
	if !now.Before(w.Until) { // nothing but errors for that long: it will hardly matter when
		wait = max(wait, l.ReportLife/4)
	}
	w.Tries++
	o.Watch = &w
	o.Due = now.Add(max(wait, reportPatience+time.Second))
	return o
}

// leaveReport is the next version of a record whose report is due to be asked
// for, by a machine that has no Reporter: one of another replica may ask, until
// it is too late.
func (o opened) leaveReport(now time.Time, l Limits) opened {
	o.touch(o.Updated)
	if o.Due = now.Add(l.ReportMax); !now.Before(o.Watch.Until) {
		o.Watch, o.Due = nil, time.Time{}
	}
	return o
}

// reported decides what an answer means. ok is false where it means to wait on.
func (o *opened) reported(state ReportState, now time.Time, l Limits) (d decision, ok bool) {
	event := ReportReady
	switch {
	case state == ReportIsReady:
	case state == ReportHasNone, !now.Before(o.Watch.Until):
		event = ReportFailed
	default:
		return decision{}, false
	}
	d.begin(o, now, l)
	d.Watch = nil
	d.move(event)
	d.end()
	return d, true
}

// reportPatience is how long a Reporter may take for an answer.
const reportPatience = 30 * time.Second

// asking is how many reports are asked for at once.
const asking = 8

// askForReport asks for one report, in a goroutine that asked counts, unless
// enough are being asked for already. The claim is committed first, so that one
// replica asks.
func (m *Machine) askForReport(ctx context.Context, o opened, asked *sync.WaitGroup) error {
	select {
	case m.asking <- struct{}{}:
	default:
		return nil // its turn comes
	}
	claimed := o.askReport(m.now(), m.cfg.Limits)
	if err := m.commit(ctx, &decision{opened: claimed}); err != nil {
		<-m.asking
		return err
	}
	asked.Go(func() {
		defer func() { <-m.asking }()
		if err := m.report(ctx, claimed); err != nil && !errors.Is(err, ErrConflict) && !errors.Is(err, ErrNotFound) && ctx.Err() == nil {
			m.cfg.Logger.WarnContext(ctx, "a report can't be asked for yet", "id", o.ID, "err", err)
		}
	})
	return nil
}

// report asks, and commits what came of it. A conflict means that it was
// erased or sealed anew meanwhile, and that it is not found that it was purged.
func (m *Machine) report(ctx context.Context, o opened) error {
	token := NewSecret(o.Token)
	defer token.Destroy()
	bounded, cancel := context.WithTimeout(ctx, reportPatience)
	defer cancel()
	state, err := m.cfg.Reporter.ReportState(bounded, token)
	if err != nil {
		return err
	}
	if d, ok := o.reported(state, m.now(), m.cfg.Limits); ok {
		return m.commit(ctx, &d)
	}
	return nil
}
