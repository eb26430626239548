// Package sharded is a carrierfsm.Store made of several: each shard is a database of
// its own, and has a part of the verifications. It is for those who outgrow one
// primary; docs/scale.md says who does.
//
// The id says on which shard a verification is. There is a fixed number of slots, and
// each shard has a range of them. An id that the Machine makes begins with its slot, in
// hexadecimal: s3fa-019012ab-…. The slot is the hash of the number's key, else of the
// id. So all verifications of a number are on one shard, and its key and its budgets
// are checked there, in the shard's own commits. A host's own id has the slot that
// carrierfsm.Machine.PlaceID puts in front of it, or else its own hash; a key of another
// slot is refused with carrierfsm.ErrOtherShard.
//
// Everything about one verification goes to its shard. Nothing is written to two in one
// transaction, and there is no order across shards. What lists, counts or surveys asks
// all of them at the same time and merges: if some do not answer, it returns what the
// others have with a *carrierfsm.ShardsError. Machine.Run and the dispatcher of handlers
// work on each shard apart.
//
// A shard that fails leaves the others alone: calls to it have a limit of their own, and
// after some failures in a row they are refused at once, with one try now and then.
//
// Each database has a row that says which shard it is, which slots it has, and in which
// epoch. New refuses a database that is another shard than Config says. To move a shard,
// DrainShard ends new submissions first, and the calls under way commit their outcomes.
// Then SetShard writes the next epoch: a process that began before can write no more.
package sharded

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/outbox"
	"github.com/carrierfsm/carrierfsm/store/internal/slots"
)

var (
	_ carrierfsm.Store = (*Store)(nil)
	_ outbox.Outbox    = (*Store)(nil)
)

const (
	// MovedPrefix is "moved ". It begins the slots, as Member.Shard returns them, of a
	// database that was closed to be moved, and of its copy until that is put into use.
	// Such a database still is the shard, but calls of it are refused with
	// carrierfsm.ErrMoved.
	MovedPrefix = slots.Moved
	// DrainedPrefix is "draining ". It begins the slots of a database that takes no new
	// submissions: see Member.DrainShard.
	DrainedPrefix = slots.Drained
)

// ErrMap is returned for a database that is not the shard that Config says: another one,
// or one with other slots.
var ErrMap = errors.New("sharded: the database is not this shard")

// Member is a store that can be a shard. All stores of this module are.
type Member interface {
	outbox.Store

	// Shard returns what the database says: which shard it is, in which epoch, and which
	// slots it has. The epoch is zero where nothing was written yet.
	Shard(ctx context.Context) (name string, epoch int64, slots string, err error)

	// SetShard writes all three. It returns carrierfsm.ErrConflict unless the stored epoch is
	// one less. It waits for the writes that are running; once it has returned, no write
	// of a store that is bound to an earlier epoch is committed.
	SetShard(ctx context.Context, name string, epoch int64, slots string) error

	// DrainShard has the database take no new submissions, or take them again, in the
	// same epoch: it sets or removes DrainedPrefix. It returns carrierfsm.ErrConflict
	// unless the stored epoch is this one, and for a database that was closed; to set what
	// is set already is no error. It waits for the writes that are running. Once it has
	// returned, no store that is bound puts a record in flight: a Create or Commit of a
	// record with InFlight returns carrierfsm.ErrMoved and writes nothing, unless the
	// stored record has it already. All other writes go on, so that the calls under way
	// can commit their outcomes.
	DrainShard(ctx context.Context, epoch int64, drain bool) error

	// BindShard makes each later write of this store return carrierfsm.ErrMoved, and
	// write nothing, unless the stored epoch is this one. A write of a lease may return
	// outbox.ErrLeaseHeld or outbox.ErrLeaseLost instead. Load returns
	// carrierfsm.ErrMoved too: what it would find is old. BindShard is called before the
	// first write and the first Load. A store that is not bound checks neither the epoch
	// nor whether the database drains.
	BindShard(epoch int64)
}

// Config is what a Store is made of. Shards are required; every other field may be left
// zero.
type Config struct {
	// Shards are all shards. Their number, names and order never change: to grow, begin
	// with several shards on one server, and move some to other servers later.
	Shards []Shard
	// Slots is how many slots there are: at least as many as shards, 4,096 at most. It
	// never changes. Defaults to 1,024.
	Slots int
	// Create has New write into each database that says nothing which shard it is. Set it
	// when the databases are made, and not afterwards: it would take an empty database
	// for a shard that was lost. Defaults to false.
	Create bool
	// MaxInFlight is how many calls of one shard's store may be under way; further ones
	// are refused. Defaults to 1,000.
	MaxInFlight int
	// Logger gets when a shard fails and when it answers again (warn): names and the
	// errors of stores. Defaults to no logging.
	Logger *slog.Logger
}

// Shard is one of the stores.
type Shard struct {
	// Name names the shard: 1 to 64 letters, digits, hyphens and underscores.
	Name string
	// Store has its verifications. The sharded Store closes it.
	Store Member
	// Open opens the Store, where that is nil. New calls it, and while it fails, calls of
	// this shard do, until it succeeds: so a service can start while the database is down.
	// Its context is that of the call, with five seconds in New, and Close ends it. A
	// migration that takes longer has to be done before.
	Open func(ctx context.Context) (Member, error)
	// Slots are the slots that it has. Either all shards have some, and together each
	// slot once, or none. Defaults to an equal part, in the order of Config.Shards.
	Slots Range
}

// Range is a range of slots; the zero Range is none.
type Range struct {
	// First is the first slot, and End the one after the last.
	First, End int
}

// Store is a store of several shards. It is safe for concurrent use.
type Store struct {
	slots   int
	members []*member // in the order of Config.Shards
	of      []int     // the index of the member, by slot
	shards  []carrierfsm.Shard
	leases  leases
}

// New checks the configuration and what each database says, and returns a Store. A
// shard that does not answer is checked when it does: until then its calls fail. Errors
// match carrierfsm.ErrInvalid, or ErrMap for a database that is another shard; what New
// opened is closed then.
func New(ctx context.Context, c Config) (*Store, error) {
	c.Slots = cmp.Or(c.Slots, 1024)
	c.MaxInFlight = cmp.Or(c.MaxInFlight, 1000)
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.MaxInFlight < 0 {
		return nil, invalid("a negative value in Config")
	}
	of, err := c.place()
	if err != nil {
		return nil, err
	}
	s := &Store{slots: c.Slots, of: of}
	for _, shard := range c.Shards {
		m := newMember(&c, shard)
		s.members = append(s.members, m)
		s.shards = append(s.shards, carrierfsm.Shard{Name: shard.Name, Store: m})
	}
	if err := s.check(ctx); err != nil {
		return nil, errors.Join(err, s.closeOpened())
	}
	return s, nil
}

// closeOpened closes the stores that New opened: its caller has none of them.
func (s *Store) closeOpened() error {
	var errs []error
	for _, m := range s.members {
		if m.open != nil {
			errs = append(errs, m.close())
		}
	}
	return errors.Join(errs...)
}

// check checks what the databases say that answer.
func (s *Store) check(ctx context.Context) error {
	errs := make([]error, len(s.members))
	var all sync.WaitGroup
	for i, m := range s.members {
		all.Go(func() {
			ctx, cancel := context.WithTimeout(ctx, checkTimeout)
			defer cancel()
			switch _, err := m.Now(ctx); { // through the gate
			case errors.Is(err, ErrMap):
				errs[i] = err
			case err != nil && !m.checked.Load():
				m.logger.WarnContext(ctx, "a shard can't be used yet", "shard", m.name, "err", err)
			}
		})
	}
	all.Wait()
	return errors.Join(errs...)
}

// Close closes the stores of all shards that can be closed. Later calls return
// carrierfsm.ErrClosed.
func (s *Store) Close() error {
	errs := make([]error, len(s.members))
	var all sync.WaitGroup
	for i, m := range s.members {
		all.Go(func() {
			errs[i] = m.close()
		})
	}
	all.Wait()
	return errors.Join(errs...)
}

// Shards returns the shards: see carrierfsm.Store. The caller must not change the list.
func (s *Store) Shards() []carrierfsm.Shard { return s.shards }

// ShardOf returns the index of the shard that has an id: see carrierfsm.Store.
func (s *Store) ShardOf(id string) int { return s.of[s.slotOf(id)] }

// PlaceID returns an id with a slot in front: that of the key, or of the id if there is
// no key. See carrierfsm.Store.
func (s *Store) PlaceID(id, key string) string {
	return prefixOf(slotOf(cmp.Or(key, id), s.slots)) + id
}

// member returns the shard that has an id.
func (s *Store) member(id string) *member { return s.members[s.ShardOf(id)] }

// memberOfKey returns the shard that has a key.
func (s *Store) memberOfKey(key string) *member { return s.members[s.of[slotOf(key, s.slots)]] }

func invalid(format string, args ...any) error {
	return fmt.Errorf("%w: sharded: %s", carrierfsm.ErrInvalid, fmt.Sprintf(format, args...))
}
