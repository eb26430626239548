package crashproof_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/store/sharded"
)

// move moves a shard to another server while replicas write, as docs/scale.md says: it is
// drained, closed, copied, opened at its new place, and the replicas get the address.
func (s *shards) move(ctx context.Context) error {
	list := s.at()
	from := list[s.moving].Source
	if err := s.drain(ctx, from); err != nil {
		return fmt.Errorf("draining a shard: %w", err)
	}
	closed := func(slots string) string {
		return sharded.MovedPrefix + strings.TrimPrefix(slots, sharded.DrainedPrefix)
	}
	if err := s.switchShard(ctx, from, closed); err != nil {
		return fmt.Errorf("closing a shard: %w", err)
	}
	var err error
	if s.asLeft, err = contents(ctx, from); err != nil {
		return err
	}
	if err := copyDatabase(ctx, from, s.target); err != nil {
		return fmt.Errorf("copying a shard: %w", err)
	}
	if err := s.switchShard(ctx, s.target, func(slots string) string { return strings.TrimPrefix(slots, sharded.MovedPrefix) }); err != nil {
		return fmt.Errorf("opening a shard: %w", err)
	}
	list[s.moving].Source = s.target
	s.left, s.on[s.moving] = from, s.stoppable
	s.addresses.Store(&list)
	return nil
}

// drain has a database take no new submissions, and waits until no call is under way, or all
// that were have been given up. Replicas that are killed leave some open for so long.
func (s *shards) drain(ctx context.Context, dsn string) error {
	m, err := openMember(ctx, dsn)
	if err != nil {
		return err
	}
	defer func() { _ = m.Close() }()
	_, epoch, _, err := m.Shard(ctx)
	if err != nil {
		return err
	}
	if err := m.DrainShard(ctx, epoch, true); err != nil {
		return err
	}
	for end := time.Now().Add(callTimeout + grace + drainSlack); time.Now().Before(end); {
		calls, err := m.List(ctx, carrierfsm.Query{InFlight: true, Limit: 1})
		if err != nil || len(calls) == 0 {
			return err
		}
		rest(ctx, 5*time.Millisecond)
	}
	return nil
}

// drainSlack is how long a replica that is started again or paused may take to settle calls
// that were given up.
const drainSlack = time.Second

// switchShard puts a database into the next epoch, with other slots.
func (s *shards) switchShard(ctx context.Context, dsn string, change func(slots string) string) error {
	m, err := openMember(ctx, dsn)
	if err != nil {
		return err
	}
	defer func() { _ = m.Close() }()
	name, epoch, slots, err := m.Shard(ctx)
	if err != nil {
		return err
	}
	return m.SetShard(ctx, name, epoch+1, change(slots))
}

// copyDatabase copies the rows of all tables, as logical replication does: sequences stay
// as they are.
func copyDatabase(ctx context.Context, from, to string) error {
	made, err := openMember(ctx, to) // makes the tables
	if err != nil {
		return err
	}
	if err := made.Close(); err != nil {
		return err
	}
	names, err := ask(ctx, from, tables)
	if err != nil {
		return err
	}
	source, err := pgx.Connect(ctx, from+ownConnection)
	if err != nil {
		return err
	}
	defer func() { _ = source.Close(ctx) }()
	sink, err := pgx.Connect(ctx, to+ownConnection)
	if err != nil {
		return err
	}
	defer func() { _ = sink.Close(ctx) }()
	if _, err := sink.Exec(ctx, `SET session_replication_role = replica`); err != nil {
		return err
	}
	var errs []error
	for _, name := range names {
		var rows bytes.Buffer
		_, out := source.PgConn().CopyTo(ctx, &rows, `COPY `+name+` TO STDOUT (FORMAT binary)`)
		_, in := sink.PgConn().CopyFrom(ctx, &rows, `COPY `+name+` FROM STDIN (FORMAT binary)`)
		errs = append(errs, out, in)
	}
	return errors.Join(errs...)
}
