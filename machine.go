package carrierfsm

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
)

// Config is what a Machine is made of. Store and Upstream are required; every
// other field may be left zero.
type Config struct {
	// Store keeps the verifications.
	Store Store
	// Upstream makes the calls.
	Upstream Upstream
	// Reporter, where it is set, is asked for the report of each verification
	// that is done, by Run, until it is there: a transition report_ready or
	// report_failed, for handlers. The state stays done. Defaults to none.
	Reporter Reporter
	// Sealer seals what is stored and the carried password. Defaults to none:
	// the token and the phone number are then readable to whoever reads the store.
	Sealer Sealer
	// Handlers are run for transitions, once these are committed, by Run, on
	// whichever replica leads: see Handler. A name is forever: the store keeps
	// under it how far the handler has come. Defaults to none; with any, the Store
	// has to be an Outbox.
	Handlers map[string]Handler
	// Delivery is how handlers are run. Each field defaults as its comment says.
	Delivery Delivery
	// Limits bound a verification. Each defaults as its comment says.
	Limits Limits
	// CallTimeout is how long upstream may take for one call; it is fixed before
	// the intent, as a deadline. Integrators saw calls of 300 s. Defaults to 180 s.
	CallTimeout time.Duration
	// Grace is how long after a call's deadline another replica waits before it
	// gives the call up. The clocks of the replicas must differ by less.
	// Defaults to 15 s.
	Grace time.Duration
	// PollInterval is how often Run looks for what is due. Defaults to 1 s.
	PollInterval time.Duration
	// MaxInFlight is how many submissions may be under way in this process;
	// further ones wait. Defaults to 10,000.
	MaxInFlight int
	// CaptchaWithoutPassword sends codes without the password where none is
	// held, instead of refusing them. Upstream's document sends both; one
	// integrator does not. Defaults to false.
	CaptchaWithoutPassword bool
	// Now is the clock. Defaults to time.Now.
	Now func() time.Time
	// Observer is told of what the machine does, for traces and metrics.
	// Defaults to none, which costs nothing.
	Observer *Observer
	// Logger is told of transitions (debug) and of what needs attention (warn):
	// ids, states and events, nothing personal. Defaults to silence.
	Logger *slog.Logger
}

// Machine moves verifications along. It is safe for concurrent use, and any
// number of machines in any number of processes may share one store.
type Machine struct {
	cfg   Config
	store Store // cfg.Store, observed
	codec codec
	vault vault
	gate  *gate
	hands *hands
	bells bells
	drops atomic.Int64

	asking chan struct{} // full when as many reports are asked for as may be at once
}

// New checks the configuration and returns a Machine. It starts nothing; the
// host calls Run. Errors match ErrInvalid or ErrNoOutbox.
func New(c Config) (*Machine, error) {
	if c.Store == nil || c.Upstream == nil {
		return nil, invalid("Config needs a Store and an Upstream")
	}
	var err error
	if c.Limits, err = c.Limits.withDefaults(); err != nil {
		return nil, err
	}
	if c.Delivery, err = c.Delivery.withDefaults(); err != nil {
		return nil, err
	}
	c.Limits.reports = c.Reporter != nil
	err = firstError(
		c.checkHandlers(),
		orDefault(&c.CallTimeout, 180*time.Second),
		orDefault(&c.Grace, 15*time.Second),
		orDefault(&c.PollInterval, time.Second),
		orDefault(&c.MaxInFlight, 10_000),
	)
	if err != nil {
		return nil, err
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return &Machine{
		cfg: c, store: observedBy(c.Observer, c.Store), codec: codec{c.Sealer},
		gate: newGate(c.MaxInFlight), hands: new(hands), asking: make(chan struct{}, asking),
	}, nil
}

// NewVerification is what Create needs to know. The zero value is enough.
type NewVerification struct {
	// ID names the verification: 1 to 128 bytes of printable ASCII without
	// spaces, nothing personal. Empty lets Create make a UUIDv7.
	ID string
	// Key, where not empty, is unique among live verifications. Keep a keyed
	// hash of the phone number here: two runs on one number burn each other's
	// codes. Never the number itself. At most 128 bytes.
	Key string
}

// Create begins a verification in the state created. It returns ErrExists,
// ErrKeyInUse, ErrInvalid or ErrStore.
func (m *Machine) Create(ctx context.Context, n NewVerification) (Verification, error) {
	if n.ID == "" {
		id, err := uuid.NewV7()
		if err != nil {
			return Verification{}, fmt.Errorf("carrierfsm: no random numbers: %w", err)
		}
		n.ID = id.String()
	}
	if err := n.check(); err != nil {
		return Verification{}, &Error{ID: "(invalid)", Err: err}
	}
	now := m.now()
	o := opened{
		Record: Record{ID: n.ID, Key: n.Key, State: Created, Created: now},
		body:   body{Ask: PromptApplication, Since: now, Life: now.Add(m.cfg.Limits.Life)},
	}
	var d decision
	d.begin(&o, now, m.cfg.Limits)
	d.end()
	err := m.write(ctx, &d, m.store.Create)
	if err != nil {
		return Verification{}, &Error{ID: n.ID, Err: err}
	}
	return d.view(m.cfg.Limits), nil
}

func (n NewVerification) check() error {
	if len(n.ID) > 128 || len(n.Key) > 128 {
		return invalid("the id or key is longer than 128 bytes")
	}
	if !plainName(n.ID) {
		return invalid("the id has characters other than printable ASCII")
	}
	if phoneNumber(n.ID) {
		return invalid("the id looks like a phone number")
	}
	return nil
}

// plainName tells whether s is not empty, and printable ASCII without spaces.
func plainName(s string) bool {
	for i := range len(s) {
		if s[i] <= ' ' || s[i] > '~' {
			return false
		}
	}
	return s != ""
}

// Get returns a verification as it stands, after settling what was overdue.
// It returns ErrNotFound, ErrSealed, ErrNewerTable, ErrCorrupt or ErrStore.
func (m *Machine) Get(ctx context.Context, id string) (Verification, error) {
	o, _, err := m.current(ctx, id)
	if err != nil && o.Version == 0 {
		return Verification{}, &Error{ID: id, Err: err}
	}
	return o.view(m.cfg.Limits), nil // what could not be settled now will be by Run
}

// History returns the transitions of a verification, in order. Errors are as
// for Get. With ErrSealed or ErrCorrupt it returns them all the same; those
// that can't be opened come without their Detail.
func (m *Machine) History(ctx context.Context, id string) ([]Transition, error) {
	entries, err := m.store.History(ctx, id, 0, 2*maxSteps)
	if err != nil {
		return nil, &Error{ID: id, Err: storeError(err)}
	}
	if len(entries) == 0 {
		if _, err := m.store.Load(ctx, id); err != nil {
			return nil, &Error{ID: id, Err: storeError(err)}
		}
	}
	list := make([]Transition, len(entries))
	var unread error
	for i, e := range entries {
		list[i], err = m.codec.transition(e)
		if err != nil {
			list[i].Detail = Detail{}
			unread = firstError(unread, &Error{ID: id, State: e.To, Step: e.Step, Err: err})
		}
	}
	return list, unread
}

// List returns verifications by their columns, newest first, without opening
// them. To go on behind a page, pass its last Created and ID as Query.After.
func (m *Machine) List(ctx context.Context, q Query) ([]Summary, error) {
	records, err := m.store.List(ctx, q)
	if err != nil {
		return nil, storeError(err)
	}
	list := make([]Summary, len(records))
	for i, r := range records {
		list[i] = summary(r)
	}
	return list, nil
}

// Close refuses further submissions, waits for those under way until ctx
// ends, and destroys the passwords that are held. What is still under way
// then goes on by itself; what is cut off is settled by another replica's
// Run, or by the next. It returns the context's error if it did not wait for all.
func (m *Machine) Close(ctx context.Context) error {
	err := m.gate.close(ctx)
	m.vault.close()
	m.hands.close()
	return err
}

// Format prints the type's name: a Machine holds what nobody should print.
func (*Machine) Format(f fmt.State, _ rune) { printRedacted(f, "Machine") }

// Stats are counts of this Machine since New.
type Stats struct {
	// InFlight is how many submissions are under way now.
	InFlight int
	// Dropped is how many replies came too late to be taken.
	Dropped int64
}

// Stats returns the counts.
func (m *Machine) Stats() Stats {
	return Stats{InFlight: m.gate.inside(), Dropped: m.drops.Load()}
}

// now is the time as stores keep it.
func (m *Machine) now() time.Time { return storeTime(m.cfg.Now()) }

// races is how often an operation begins anew because somebody else wrote first.
const races = 16

// load reads and opens a record.
func (m *Machine) load(ctx context.Context, id string) (opened, error) {
	r, err := m.store.Load(ctx, id)
	if err != nil {
		return opened{}, storeError(err)
	}
	o, err := m.codec.open(r)
	if err != nil {
		return opened{}, err
	}
	return o, nil
}

// current loads a verification, settles what is overdue, and tells the time at
// which nothing was. With an error of the settlement it also returns what it
// loaded.
func (m *Machine) current(ctx context.Context, id string) (o opened, now time.Time, err error) {
	for range races {
		if o, err = m.load(ctx, id); err != nil {
			return o, now, err
		}
		if now = m.now(); !o.isDue(now) {
			return o, now, nil
		}
		d, _ := o.overdue(now, m.cfg.Limits)
		switch err = m.commit(ctx, &d); {
		case err == nil:
			return d.opened, m.now(), nil
		case !errors.Is(err, ErrConflict):
			return o, now, err
		}
	}
	return opened{}, now, ErrConflict
}

// commit writes a decision.
func (m *Machine) commit(ctx context.Context, d *decision) error {
	return m.write(ctx, d, m.store.Commit)
}

// write encodes a decision and hands it to one of the store's writing
// methods. When the store's answer is lost, the record is read back: the
// commit id tells whether it was written after all.
func (m *Machine) write(ctx context.Context, d *decision, to func(context.Context, Record, ...Entry) error) error {
	w, err := m.codec.encode(d)
	if err != nil {
		return err
	}
	defer w.release()
	return m.writeDraft(ctx, d, w, to)
}

func (m *Machine) writeDraft(ctx context.Context, d *decision, w *draft, to func(context.Context, Record, ...Entry) error) error {
	r, entries := &w.record, w.entries
	before := w.failed
	w.failed = true // also where the store panics
	err := to(ctx, *r, entries...)
	if err != nil && !m.written(ctx, r) {
		return storeError(err)
	}
	w.failed = before || err != nil
	m.logTransitions(ctx, entries)
	m.cfg.Observer.moved(ctx, d)
	if len(entries) > 0 {
		m.bells.ring()
	}
	return nil
}

func (m *Machine) logTransitions(ctx context.Context, entries []Entry) {
	if !m.cfg.Logger.Enabled(ctx, slog.LevelDebug) {
		return // else the arguments would be made for nobody
	}
	for _, e := range entries {
		m.cfg.Logger.DebugContext(ctx, "transition", "id", e.ID, "step", e.Step, "from", e.From, "event", e.Event, "to", e.To)
	}
}

// readBack is how long a commit whose answer was lost is looked for.
const readBack = 5 * time.Second

// written tells whether the store holds this very commit.
func (m *Machine) written(ctx context.Context, r *Record) bool {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), readBack)
	defer cancel()
	stored, err := m.store.Load(ctx, r.ID)
	return err == nil && stored.CommitID == r.CommitID
}

// newCommitID need not be a secret, only different from every other: those of
// one record, mostly a moment apart, are the ones that are compared.
func newCommitID() (id [16]byte) {
	binary.NativeEndian.PutUint64(id[:8], rand.Uint64()) //nolint:gosec // seeded by the system, and no secret
	binary.NativeEndian.PutUint64(id[8:], rand.Uint64()) //nolint:gosec // as above
	return id
}

// storeError puts what a store returned under one of our names.
func storeError(err error) error {
	for _, known := range []error{ErrNotFound, ErrExists, ErrKeyInUse, ErrConflict} {
		if errors.Is(err, known) {
			return known
		}
	}
	return fmt.Errorf("%w: %w", ErrStore, err)
}
