package carrierfsm

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/carrierfsm/carrierfsm/budget"
	"github.com/carrierfsm/carrierfsm/internal/broadcast"
	"github.com/carrierfsm/carrierfsm/internal/lifetime"
	"github.com/carrierfsm/carrierfsm/internal/semaphore"
	"github.com/carrierfsm/carrierfsm/internal/text"
	"github.com/carrierfsm/carrierfsm/internal/ttlmap"
)

// Config is what a Machine is made of. Store, Upstream and Numbers are required; every
// other field may be left zero.
type Config struct {
	// Store keeps the verifications.
	Store Store
	// Upstream makes the calls.
	Upstream Upstream
	// Reporter, where it is set, is asked by Run for the report of each
	// verification that is done, until the report is there: a transition
	// report_ready or report_failed follows, and the state stays done.
	// Defaults to none.
	Reporter Reporter
	// Sealer seals what is stored, and Prompt.Carry, bound to its place: a column, a
	// body or a history that was changed in the store is refused with ErrForged.
	// Defaults to none: then tokens and phone numbers can be read in the store, and
	// what was changed there is not noticed.
	Sealer Sealer
	// Deployment names the installation: what is sealed for one is refused in another
	// that has the same keys. All replicas have the same. Defaults to the empty name.
	Deployment string
	// AcceptPlain also accepts bodies and details that are not sealed, for as long as
	// a store that was used without a Sealer is migrated: see Machine.Reseal. While it
	// is set, forgeries are believed. Defaults to false.
	AcceptPlain bool
	// RefuseUnbound refuses what earlier builds sealed, which is not bound to its
	// columns. Set it when all of that was resealed. Defaults to false.
	RefuseUnbound bool
	// SealUnbound seals as earlier builds did: they can't read what this build seals
	// without it. Set it while replicas of both builds run. Defaults to false.
	SealUnbound bool
	// Limits bound a verification. Each defaults as its comment says.
	Limits Limits
	// Numbers makes the keys of phone numbers, under which their budgets are counted:
	// what budget.NewNumbers returns, or budget.None() to count nothing. It is required,
	// as without budgets nothing limits what strangers do with a number.
	Numbers budget.Numbers
	// Budgets are how often something may be done for one number within a day, in all
	// verifications together. Each defaults as its comment says.
	Budgets budget.Limits
	// CallTimeout is how long upstream may take for one call. The intent stores
	// it as a deadline before the call. Calls of 300 s were seen. Defaults to 180 s.
	CallTimeout time.Duration
	// Grace is how long after a call's deadline another replica waits before it
	// gives the call up. The clocks of the replicas must differ by less.
	// Defaults to 15 s.
	Grace time.Duration
	// Retention is how long a verification is kept after it ended: Run deletes older
	// ones as Purge does, a hundred at a time, once the handlers have got them. With
	// a Reporter it is at least Limits.ReportLife. Defaults to keeping all.
	Retention time.Duration
	// ActRetention is how long the acts of operators are kept, in a Store that logs them
	// (package store/acts): Run deletes older ones. Defaults to keeping all.
	ActRetention time.Duration
	// PollInterval is how often Run looks for what is due. Defaults to 1 s.
	PollInterval time.Duration
	// MaxInFlight is how many submissions may be under way in this process;
	// further ones wait. Defaults to 10,000.
	MaxInFlight int
	// CaptchaWithoutPassword sends codes without the password where this process
	// does not have it, instead of refusing them. Upstream's document sends both;
	// one integrator sends the code alone. Defaults to false.
	CaptchaWithoutPassword bool
	// Now is the clock. Defaults to time.Now, which is compared with the store's
	// clock where the store has one: see Run.
	Now func() time.Time
	// Observer is called for what the machine does, for traces and metrics. Defaults
	// to none, which costs nothing.
	Observer *Observer
	// Logger gets transitions (debug) and what needs attention (warn): ids,
	// states and events, nothing personal. Defaults to no logging.
	Logger *slog.Logger
}

// maxReports is how many reports are asked for at once.
const maxReports = 8

// Machine moves verifications along. It is safe for concurrent use, and any
// number of machines in any number of processes may share one store.
type Machine struct {
	cfg       Config
	store     Store   // cfg.Store with the Observer around it
	shards    sharder // cfg.Store, if it has shards; else nil
	parts     []*part // the shards, or the whole store
	codec     codec
	passwords *passwordCache
	calls     *lifetime.Lifetime // of the exported methods and of what they leave running
	abandoned chan struct{}      // closed when Close has given up waiting
	abandon   func()
	known     *knownValues
	inFlight  *semaphore.Semaphore
	reports   *semaphore.Semaphore
	commits   broadcast.Broadcast
	dropped   atomic.Int64
	limited   atomic.Int64
	ownClock  bool         // Config.Now was set
	running   atomic.Int32 // calls of Run
	made      time.Time
}

// New checks the configuration and returns a Machine. It starts nothing: the
// host calls Run. Of a store that has a clock it asks the time, for 5 s at most.
// Its errors match ErrInvalid.
func New(c Config) (*Machine, error) {
	if c.Store == nil || c.Upstream == nil {
		return nil, invalid("Config needs a Store and an Upstream")
	}
	var err error
	if c.Limits, err = c.Limits.withDefaults(); err != nil {
		return nil, err
	}
	if !c.Numbers.Chosen() {
		return nil, invalid("Config needs Numbers: what budget.NewNumbers returns, or budget.None()")
	}
	c.Limits.reports = c.Reporter != nil
	if c.Budgets, err = c.Budgets.WithDefaults(); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrInvalid, err)
	}
	c.Limits.budgets = numberBudgets{numbers: c.Numbers, limits: c.Budgets}
	err = firstError(
		orDefault(&c.CallTimeout, 180*time.Second),
		orDefault(&c.Grace, 15*time.Second),
		orDefault(&c.Retention, 0),
		orDefault(&c.ActRetention, 0),
		orDefault(&c.PollInterval, time.Second),
		orDefault(&c.MaxInFlight, 10_000),
	)
	if err != nil {
		return nil, err
	}
	if c.Reporter != nil && c.Retention > 0 && c.Retention < c.Limits.ReportLife {
		return nil, invalid("Retention is less than Limits.ReportLife: reports would be lost")
	}
	ownClock := c.Now != nil
	if !ownClock {
		c.Now = time.Now
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	abandoned := make(chan struct{})
	m := &Machine{
		cfg: c, ownClock: ownClock, store: observeStore(c.Observer, c.Store), codec: newCodec(&c), passwords: newPasswordCache(), known: newKnownValues(),
		calls: lifetime.New(), abandoned: abandoned, abandon: sync.OnceFunc(func() { close(abandoned) }),
		inFlight: semaphore.New(c.MaxInFlight), reports: semaphore.New(maxReports), made: time.Now(),
	}
	m.shards, _ = c.Store.(sharder)
	m.parts = partsOf(c.Observer, c.Store, m.store)
	m.eachPart(func(p *part) { m.compareClocks(context.Background(), p) })
	return m, nil
}

// eachPart calls f for each part of the store, at the same time.
func (m *Machine) eachPart(f func(*part)) {
	var all sync.WaitGroup
	for _, p := range m.parts {
		all.Go(func() { f(p) })
	}
	all.Wait()
}

// partOf returns the part of the store that a verification belongs to.
func (m *Machine) partOf(id string) *part {
	if m.shards == nil {
		return m.parts[0]
	}
	return m.parts[m.shards.ShardOf(id)]
}

func newCodec(c *Config) codec {
	logger := c.Logger
	return codec{
		sealer: c.Sealer, deployment: c.Deployment,
		acceptPlain: c.AcceptPlain, refuseUnbound: c.RefuseUnbound, sealUnbound: c.SealUnbound,
		seals: new(atomic.Int64),
		warnOfSeals: func(n int64) {
			logger.Warn("this process alone has used half or more of what a key of AES-GCM may seal: put a new key in front", "seals", n)
		},
	}
}

// Close ends the machine: every later call of a method that can fail returns
// ErrClosed, and so do Run and submissions that wait for a place. Close waits for
// the calls under way until ctx ends, and destroys the passwords in memory. It
// returns the context's error if it did not wait for all. Then callers that wait
// for an outcome get ErrPending, and their submissions go on without them; one
// that the end of the store or of the process cuts off is settled by Run, of
// another replica or after the restart.
//
// A host that stops ends Run and the dispatcher's Run first, then closes the
// machine, then the store. Another order loses nothing: what still needs what was
// closed returns ErrClosed. Close may be called again, to go on waiting.
func (m *Machine) Close(ctx context.Context) error {
	err := m.calls.Close(ctx)
	if err != nil {
		m.abandon()
	}
	m.passwords.Close()
	m.known.Close()
	return err
}

// enter begins a call of an exported method; leave ends it. It returns ErrClosed
// after Close.
func (m *Machine) enter() error {
	if !m.calls.Enter() {
		return ErrClosed
	}
	return nil
}

func (m *Machine) leave() { m.calls.Leave() }

// Format prints the type's name: the fields of a Machine must not be printed.
func (*Machine) Format(f fmt.State, _ rune) { _, _ = fmt.Fprintf(f, "Machine %s", redacted) }

// Stats are counts of this Machine since New.
type Stats struct {
	// InFlight is how many submissions are under way now.
	InFlight int
	// Dropped is how many replies came too late to be committed.
	Dropped int64
	// Limited is how many submissions were refused because a budget of their number was
	// used up.
	Limited int64
	// ClockSkew is by how much this machine's clock was ahead of the store's when
	// they were last compared; negative if it was behind, zero where the store has
	// no clock. Of several shards it is the largest difference.
	ClockSkew time.Duration
	// Running is how many calls of Run have not returned.
	Running int
	// Seals is how often the Sealer was asked to seal: see seal.New for how often a key
	// may be.
	Seals int64
	// RunIdle is how long ago Run last settled what was due, or found nothing, or
	// began. It grows while the store fails or the clock is ahead. Zero where Run
	// does not run. Of several shards it is the longest.
	RunIdle time.Duration
	// Shards has the same for each shard, in the order of the store; nil where the store
	// has none.
	Shards []ShardStats
}

// ShardStats are the counts of one shard: see Stats.
type ShardStats struct {
	Name      string
	ClockSkew time.Duration
	RunIdle   time.Duration
}

// Stats returns the counts.
func (m *Machine) Stats() Stats {
	s := Stats{
		InFlight: m.inFlight.InUse(), Dropped: m.dropped.Load(), Limited: m.limited.Load(),
		Running: int(m.running.Load()), Seals: m.codec.seals.Load(),
	}
	for _, p := range m.parts {
		one := ShardStats{Name: p.name, ClockSkew: p.skewed(), RunIdle: p.idle(m.made, s.Running)}
		if one.ClockSkew.Abs() > s.ClockSkew.Abs() {
			s.ClockSkew = one.ClockSkew
		}
		s.RunIdle = max(s.RunIdle, one.RunIdle)
		s.Shards = append(s.Shards, one)
	}
	if m.shards == nil {
		s.Shards = nil
	}
	return s
}

// compareClocks compares this machine's clock with that of a part of the store. It
// warns of a difference of more than a quarter of the grace, when it begins.
func (m *Machine) compareClocks(ctx context.Context, p *part) {
	if m.ownClock {
		return
	}
	was, skew := p.compareClocks(ctx, m.now)
	if most := m.cfg.Grace / 4; skew.Abs() > most && was.Abs() <= most {
		m.cfg.Logger.WarnContext(ctx, "this machine's clock differs from the store's", p.attrs("ahead", skew, "settles", !m.clockAhead(p))...)
	}
}

// clockAhead reports whether this machine's clock is so far ahead of that of a part of
// the store that nothing may be settled by it. One that is behind only settles later.
func (m *Machine) clockAhead(p *part) bool { return p.skewed() > m.cfg.Grace/2 }

// forget destroys what the machine has in memory of a verification that has ended.
func (m *Machine) forget(id string) {
	m.passwords.Delete(id)
	m.known.Delete(id)
}

// now is the time in the precision of stores.
func (m *Machine) now() time.Time { return storeTime(m.cfg.Now()) }

// clocks returns the wall clock, as now does, and the monotonic clock, which is read first.
// Both are one reading of time.Now unless Config.Now is set.
func (m *Machine) clocks() (wall, mono time.Time) {
	mono = time.Now()
	if m.ownClock {
		return m.now(), mono
	}
	return storeTime(mono), mono
}

// knownValues has the values of each verification that this process has sent or
// received, as keyed fingerprints: an upstream may repeat them in a later reply.
type knownValues = ttlmap.Map[*text.Values]

func newKnownValues() *knownValues { return ttlmap.New(func(*text.Values) {}) }

// passwordCache holds passwords in memory by the id of their verification,
// while the codes that are sent with them are awaited.
type passwordCache = ttlmap.Map[cachedPassword]

type cachedPassword struct {
	secret Secret
	step   int // at which it was submitted
	// last is the record after the commit with which the password was kept. It saves the
	// next submission its load. It may be out of date: only a commit that replaces it
	// proves that it is not. It is empty after such a commit has failed, with a Sealer that
	// binds, and where it can't be packed.
	last packed
}

func newPasswordCache() *passwordCache {
	return ttlmap.New(func(p cachedPassword) { p.secret.Destroy() })
}

// cachePassword keeps a copy of the password for the given time, with the snapshot beside
// it, or drops what is in the cache if the password is empty. Where what is stored is
// bound to its place, the snapshot is not kept: each load checks the seal.
func (m *Machine) cachePassword(s *snapshot, password Secret, ttl time.Duration) {
	if password.Empty() {
		m.passwords.Delete(s.ID)
		return
	}
	p := cachedPassword{secret: password.clone(), step: s.PasswordStep}
	if !m.codec.bind() {
		p.last = s.pack()
	}
	m.passwords.Put(s.ID, p, ttl)
}

// cachedSnapshot returns the snapshot that is kept beside a password; empty if there is
// none.
func (m *Machine) cachedSnapshot(id string) packed {
	p, _ := m.passwords.Get(id, func(p cachedPassword) cachedPassword { return cachedPassword{last: p.last} })
	return p.last
}

// dropSnapshot drops a snapshot from the cache, and keeps the password.
func (m *Machine) dropSnapshot(id string, last packed) {
	m.passwords.Update(id, func(p cachedPassword) cachedPassword {
		if p.last == last {
			p.last = ""
		}
		return p
	})
}

// cachedPassword returns a copy of the password that was submitted at this
// step, which the caller destroys; empty if the cache does not have it.
func (m *Machine) cachedPassword(id string, step int) Secret {
	p, _ := m.passwords.Get(id, func(p cachedPassword) cachedPassword {
		if p.step != step {
			return cachedPassword{}
		}
		return cachedPassword{secret: p.secret.clone()}
	})
	return p.secret
}
