package fsmtest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/budget"
)

func coreWrites(b *storeBench) error {
	return b.driveCore(rand.New(rand.NewPCG(5, 6)).IntN, 40) //nolint:gosec // the same run each time
}

// driveCore runs so many verifications with inputs and replies that choose chooses,
// and compares what the store returns with what the machine wrote.
func (b *storeBench) driveCore(choose func(n int) int, verifications int) error {
	w := &coreWalk{choose: choose, store: &comparingStore{Store: b.Store}, clock: NewClock()}
	var err error
	w.machine, err = carrierfsm.New(carrierfsm.Config{
		Numbers: budget.None(),
		Store:   w.store, Upstream: w, Reporter: w, Now: w.clock.Now, Limits: carrierfsm.Limits{Passwords: 4, Captchas: 6},
	})
	if err != nil {
		return err
	}
	for range verifications {
		if err := w.run(b.ctx); err != nil {
			return err
		}
	}
	return first(w.store.mismatch(), w.machine.Close(b.ctx))
}

// coreWalk is an upstream and a person who do anything.
type coreWalk struct {
	choose  func(n int) int
	store   *comparingStore
	machine *carrierfsm.Machine
	clock   *Clock
}

// oddTexts are what hosts and upstreams may come up with.
var oddTexts = []string{
	"", "", "ok", "chinamobilejs", "chinaunicom", "10002", "10008", "a\x00b", "\x00", "\xff\xfe", "\xc3", "\u2028", "\ufeff", "'; --", `\x00`, `"`, "😀",
	"中国移动 13800138000", strings.Repeat("x", 200), strings.Repeat("移", 5000), "\x1b[31m", "a\nb", "NULL", "\\N", "{}", "\U0010ffff", "\ud7ff",
}

func (w *coreWalk) text() string { return oddTexts[w.choose(len(oddTexts))] }

func (w *coreWalk) secret() carrierfsm.Secret { return carrierfsm.NewSecret(w.text()) }

// mostly returns the value, and now and then an odd text.
func (w *coreWalk) mostly(value string) string {
	if w.choose(4) > 0 {
		return value
	}
	return w.text()
}

func (w *coreWalk) source() carrierfsm.Source {
	return carrierfsm.Source{
		Website: w.mostly("chinamobilejs"), Name: w.text(), Online: w.choose(8) > 0,
		ResetMethod: carrierfsm.ResetMethod(w.choose(5) - 1),
	}
}

func (w *coreWalk) Apply(context.Context, carrierfsm.Application) (carrierfsm.Receipt, error) {
	return carrierfsm.Receipt{
		Accepted: w.choose(5) > 0, Message: w.secret(), Token: carrierfsm.NewSecret(w.mostly(Token)), Source: w.source(),
	}, nil
}

func (w *coreWalk) Collect(context.Context, carrierfsm.Request) (carrierfsm.Reply, error) {
	codes := []string{"10001", "10002", "10003", "10004", "10006", "10007", "10008", "10017", "10022", "11000", "0", "30000", ""}
	r := carrierfsm.Reply{
		Success: w.choose(5) > 0, Code: carrierfsm.ProcessCode(w.mostly(codes[w.choose(len(codes))])), Type: w.mostly("CONTROL"),
		Template: w.mostly("SUBMIT_CAPTCHA"), Finish: w.choose(2) == 0, Content: w.secret(), Cursor: []byte(w.text()),
	}
	if w.choose(3) == 0 {
		source := w.source()
		r.Next = &source
	}
	return r, nil
}

func (w *coreWalk) ReportState(context.Context, carrierfsm.Secret) (carrierfsm.ReportState, error) {
	return carrierfsm.ReportState(w.mostly("pending")), nil
}

// run runs one verification until it ends, or for some time.
func (w *coreWalk) run(ctx context.Context) error {
	v, err := w.machine.Create(ctx, carrierfsm.NewVerification{Key: w.text()})
	if w.wrong(err) != nil || err != nil {
		return w.wrong(err)
	}
	id := v.ID
	for range 30 {
		w.clock.Advance(time.Duration(w.choose(1_000_000)) * time.Microsecond)
		ctx := ctx
		if w.choose(3) == 0 {
			ctx = carrierfsm.ByOperator(ctx, w.mostly("clerk"))
		}
		switch w.choose(12) {
		case 0:
			w.clock.Advance(time.Duration(w.choose(400)) * time.Second)
			_, err = w.machine.Settle(ctx)
		case 1:
			_, err = w.machine.History(ctx, id)
		case 2:
			if err = w.machine.Reseal(ctx, id); w.choose(20) == 0 {
				err = w.machine.Erase(ctx, id)
			}
		default:
			_, err = w.machine.Submit(ctx, id, w.input(v))
		}
		if wrong := w.wrong(err); wrong != nil {
			return wrong
		}
		if v, err = w.machine.Get(ctx, id); err != nil || v.Prompt == nil {
			return w.wrong(err)
		}
	}
	return nil
}

// wrong returns the error if it is none that a person's doing may lead to.
func (w *coreWalk) wrong(err error) error {
	if errors.Is(err, carrierfsm.ErrStore) || errors.Is(err, carrierfsm.ErrCorrupt) || errors.Is(err, carrierfsm.ErrPending) {
		return fmt.Errorf("the machine returned %w", err)
	}
	return nil
}

// input answers the prompt, or not.
func (w *coreWalk) input(v carrierfsm.Verification) carrierfsm.Input {
	step := v.Step - w.choose(8)/7
	inputs := []carrierfsm.Input{
		carrierfsm.Password{Step: step, Password: carrierfsm.NewSecret(w.mostly("246810"))},
		carrierfsm.Captcha{Step: step, Code: carrierfsm.NewSecret(w.mostly("500001")), Password: carrierfsm.NewSecret("246810")},
		carrierfsm.QueryPassword{Step: step, Password: carrierfsm.NewSecret(w.mostly("135790"))},
		carrierfsm.ResetCaptcha{Step: step, Code: carrierfsm.NewSecret(w.mostly("500001")), NewPassword: w.secret()},
		carrierfsm.RequestReset{Step: step},
		carrierfsm.ResendCaptcha{Step: step},
		carrierfsm.SkipSource{Step: step},
	}
	fits := map[carrierfsm.PromptKind]int{
		carrierfsm.PromptPassword: 0, carrierfsm.PromptCaptcha: 1, carrierfsm.PromptSecondCaptcha: 1, carrierfsm.PromptOwnSMS: 1,
		carrierfsm.PromptQueryPassword: 2, carrierfsm.PromptResetCaptcha: 3,
	}
	switch i, known := fits[v.Prompt.Kind]; {
	case !known:
		consent := carrierfsm.Consent{Policy: w.mostly("test-1"), Channel: w.mostly("test"), At: w.clock.Now()}
		if w.choose(6) == 0 {
			consent.At = []time.Time{farPast, farFuture, time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC), time.Unix(0, 0)}[w.choose(4)]
		}
		form := Form()
		form.HomeAddress = w.secret()
		return carrierfsm.Apply{Step: step, Form: form, Consent: consent}
	case w.choose(5) == 0:
		return inputs[w.choose(len(inputs))]
	default:
		return inputs[i]
	}
}

// comparingStore loads all that it has written, and compares.
type comparingStore struct {
	carrierfsm.Store
	mu  sync.Mutex
	err error
}

func (s *comparingStore) mismatch() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.err
}

func (s *comparingStore) compare(ctx context.Context, r carrierfsm.Record, entries []carrierfsm.Entry, err error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if errors.Is(err, carrierfsm.ErrInvalid) {
		s.err = first(s.err, fmt.Errorf("the store refused what the machine wrote: %w", err))
	}
	if err != nil {
		return err
	}
	stored, err := s.Load(ctx, r.ID)
	s.err = first(s.err, err, equal("the record", r, stored))
	if len(entries) > 0 {
		got, err := s.History(ctx, r.ID, entries[0].Step-1, 10)
		s.err = first(s.err, err, equal("the entries", entries, got))
	}
	return nil
}

func owned(r carrierfsm.Record, entries []carrierfsm.Entry) (carrierfsm.Record, []carrierfsm.Entry) {
	r.Body, r.Previous = bytes.Clone(r.Body), [16]byte{}
	entries = slices.Clone(entries)
	for i := range entries {
		entries[i].Detail = bytes.Clone(entries[i].Detail)
	}
	return r, entries
}

func (s *comparingStore) Create(ctx context.Context, r carrierfsm.Record, entries ...carrierfsm.Entry) error {
	own, ownEntries := owned(r, entries)
	return s.compare(ctx, own, ownEntries, s.Store.Create(ctx, r, entries...))
}

func (s *comparingStore) Commit(ctx context.Context, r carrierfsm.Record, entries ...carrierfsm.Entry) error {
	own, ownEntries := owned(r, entries)
	created, err := s.Load(ctx, r.ID)
	if err != nil {
		return err
	}
	own.Created = created.Created // which never changes
	return s.compare(ctx, own, ownEntries, s.Store.Commit(ctx, r, entries...))
}

func (s *comparingStore) Erase(ctx context.Context, r carrierfsm.Record, entries ...carrierfsm.Entry) error {
	own, ownEntries := owned(r, entries)
	return s.compare(ctx, own, ownEntries, s.Store.Erase(ctx, r, entries...))
}
