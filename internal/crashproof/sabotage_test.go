package crashproof_test

// sabotage is a way to break the guarantees: the real engine with a few lines changed,
// or a port that breaks its contract.
type sabotage struct {
	name    string
	plan    plan    // of one round
	patches []patch // of files of this module
	ports   string  // what the replicas' ports do wrong
	by      string  // the kind of violation that has to catch it; empty: any
}

// patch replaces a text that is in a file exactly once.
type patch struct{ file, old, by string }

var (
	killed  = plan{store: inSQLite, replicas: 1, people: 16, kills: 15}
	two     = plan{store: inSQLite, replicas: 2, people: 16, kills: 15}
	paused  = plan{store: inPostgres, replicas: 3, people: 40, kills: 10, pauses: 40}
	stopped = plan{store: inPostgres, replicas: 2, people: 24, kills: 20, stops: 3}
	divided = plan{store: inPostgres, sharded: true, replicas: 3, people: 48, kills: 20, pauses: 5}
)

const (
	commitIntent = `		if err == nil {
			err = s.claim(ctx, &d, s.store.Commit)
		}
`
	commitCachedIntent = `	err := s.claim(ctx, d, s.store.Commit)
	if err == nil {
		s.intended = d.snapshot
		return nil
	}
	s.dropSnapshot(s.id, last)
`
	sqliteGuard   = `	WHERE id = ? AND version = ? AND commit_id = ifnull(?, commit_id)`
	noGuard       = `	WHERE id = ? AND ? > 0 AND ifnull(?, 1) NOT NULL`
	commitOutcome = `	err := s.commitOutcome(ctx, &d, snap, out, s.end(snap))
`
	collect = `	reply, err := s.cfg.Upstream.Collect(ctx, r)
`
	sqliteCommit = `	return s.queue.Do(ctx, item{write.Request{Record: r, Entries: entries}, false})
`
	deadline = `	wall, mono := s.clocks()
	end := s.end(snap)
	waited, left := wall.Sub(snap.Intent.At), min(end.wall.Sub(wall), end.mono.Sub(mono))
	if max(waited, -waited, mono.Sub(s.begun)) > sendWithin || left <= 0 {
		return outcome{fault: FaultNotSent} // the process was paused, or its clock was set: too late to begin
	}
`
	deliverThenAdvance = `		begun := time.Now()
		n, rows, left := t.deliver(ctx, batch, len(batch.Entries) == pages.size())
		pages.next(len(batch.Entries), time.Since(begun))
		if err := t.advance(ctx, batch, n, rows); err != nil {
			return err
		}
		t.watch(ctx, left)`
)

// warmThoughSealed has the replicas keep snapshots, which they do not with their Sealer.
var warmThoughSealed = patch{"machine.go", `	if !m.codec.bind() {
`, `	{
`}

// sabotages are mistakes that the guarantees exclude.
var sabotages = []sabotage{
	{name: "no intent", plan: killed, patches: []patch{
		{"submit.go", commitIntent, `		d.Version = snap.Version
`},
		{"submit.go", commitCachedIntent, `	d.Version = cached.Version
	s.intended = d.snapshot
	return nil
	var err error
`},
	}},

	{name: "intent after the send", plan: killed, patches: []patch{
		{"submit.go", commitIntent, ``},
		{"submit.go", commitCachedIntent, `	s.intended = d.snapshot
	return nil
	var err error
`},
		{"submit.go", commitOutcome, `	if err := s.commit(ctx, &decision{snapshot: *snap}); err != nil {
		s.after, err = s.result(snap, ErrPending)
		return err
	}
` + commitOutcome},
	}},

	{name: "resend on timeout", plan: killed, patches: []patch{{"call.go", collect, collect + `	if err != nil && !errors.Is(err, ErrNotSent) {
		reply, err = s.cfg.Upstream.Collect(ctx, r)
	}
`}}},

	{name: journalSabotage, plan: killed, ports: journalSabotage},

	{name: "check-then-write", plan: two, patches: []patch{
		{"store/sqlite/write.go", sqliteGuard, noGuard},
		{"store/sqlite/write.go", sqliteCommit, `	stored, err := s.Load(ctx, r.ID)
	if err != nil {
		return err
	}
	if stored.Version != r.Version-1 {
		return carrierfsm.ErrConflict
	}
` + sqliteCommit},
	}},

	{name: "no version check", plan: two, patches: []patch{
		{"store/sqlite/write.go", sqliteGuard, noGuard},
	}},

	{name: "a cached snapshot believed after a conflict", plan: two, patches: []patch{
		{"submit.go", commitCachedIntent, `	err := s.claim(ctx, d, s.store.Commit)
	if err == nil || errors.Is(err, ErrConflict) {
		s.intended = d.snapshot
		return nil
	}
	s.dropSnapshot(s.id, last)
`},
		warmThoughSealed,
	}},

	{name: "a refusal told from a stale cache", plan: two, patches: []patch{
		{"submit.go", `	if refusal := s.intend(d, cached); refusal != nil {
		return ErrConflict
	}
`, `	if refusal := s.intend(d, cached); refusal != nil {
		s.intended = *cached
		return refusal
	}
`},
		warmThoughSealed,
	}},

	{name: "no lease check at the write", plan: paused, patches: []patch{
		{"record.go", `	if s.Intent != nil {
		return s.Intent.is(in)
	}
	return s.Lost != nil && s.Lost.is(in) && isReply && !s.State.Terminal()`, `	return !s.State.Terminal()`},
		{"commit.go", `	in, end := s.Intent, callEnd.add(m.cfg.Grace)
`, `	in, end := s.Intent, callEnd.add(m.cfg.Grace)
	mine := s.Intent
`},
		{"commit.go", `		s = stored
	}`, `		if s = stored; s.Intent == nil {
			s.Lost = mine
		}
	}`},
	}},

	{name: "no absolute deadline", plan: paused, patches: []patch{
		{"call.go", deadline, `	mono, left := time.Now(), s.cfg.CallTimeout
`},
	}},

	{name: "no answer taken for not sent", plan: killed, patches: []patch{
		{"call.go", `	fault := FaultUnknown
`, `	fault := FaultNotSent
`},
	}},

	{name: "an Idempotency-Key header", plan: killed, patches: []patch{
		{"upstream/sendonce/sendonce.go", `	r.Header.Set("Accept", "application/json")
`, `	r.Header.Set("Accept", "application/json")
	r.Header.Set("Idempotency-Key", "1")
`},
	}},

	{name: "history outside the commit", plan: killed, patches: []patch{
		{"store/sqlite/write.go", sqliteCommit, `	err := s.queue.Do(ctx, item{write.Request{Record: r}, false})
	if err != nil || len(entries) == 0 {
		return err
	}
	return s.writeTx(ctx, func(x execer) error {
		return putBodyAndEntries(x, r, entries)
	})
`},
	}},

	{name: "timer not bound to its step", plan: killed, patches: []patch{
		{"commit.go", `	if len(e.entries) > 0 {
		m.committed(e.record.ID)
	}
	return nil
`, `	if len(e.entries) > 0 {
		m.committed(e.record.ID)
	}
	if r := e.record; !r.Due.IsZero() && !r.InFlight {
		time.AfterFunc(time.Until(r.Due), func() {
			s, err := m.load(context.Background(), r.ID)
			if err != nil || s.State.Terminal() || s.Intent != nil {
				return
			}
			var d decision
			d.begin(s, m.now(), m.cfg.Limits)
			d.moveByItself(Expired)
			d.finish()
			_ = m.commit(context.Background(), &d)
		})
	}
	return nil
`},
	}},

	{name: "acknowledged before it is committed", plan: killed, patches: []patch{
		{"commit.go", `		if err = m.commitRetrying(ctx, d, end); err == nil {
`, `		go func() { _ = m.commitRetrying(ctx, d, end) }()
		if err == nil {
`},
	}},

	{name: "cursor moved before the handlers ran", plan: killed, patches: []patch{
		{"outbox/term.go", deliverThenAdvance, `		if err := t.advance(ctx, batch, len(batch.Entries), nil); err != nil {
			return err
		}
		t.deliver(ctx, batch, false)`},
	}},

	{name: "a wake-up taken for the truth", plan: paused, patches: []patch{
		{"outbox/term.go", `			case <-poll.C:
`, ""},
		{"outbox/dispatcher.go", `store.Watch(ctx, p.watched.Notify)`, `store.Watch(ctx, func() {})`}, // lost
	}},

	{name: "figures counted before the cursor is moved", plan: killed, patches: []patch{
		{"store/sqlite/figures.go", `	first, last := b.Entries[0].Position, b.Entries[len(b.Entries)-1].Position
`, `	first, last := b.Entries[0].Position, b.Entries[len(b.Entries)-1].Position
	err := s.inTransaction(ctx, func(ctx context.Context, tx *sql.Tx) error { return addCounts(ctx, tx, l.Name, c.Add) })
	if err != nil {
		return err
	}
	time.Sleep(5 * time.Millisecond) // a disk may be that slow
`},
		{"store/sqlite/figures.go", `		if err := addCounts(ctx, tx, l.Name, c.Add); err != nil {
			return err
		}
`, ``},
	}},

	{name: "calls of dead processes left alone", plan: killed, patches: []patch{
		{"decide.go", `	if in := s.Intent; in != nil {
		d.settle(`, `	if in := s.Intent; in != nil {
		return false
		d.settle(`},
	}},

	{name: lazySabotage, plan: stopped, ports: lazySabotage},

	{name: "cursor that passes gaps", plan: stopped, patches: []patch{
		{"store/postgres/gaps.go", `		if low := max(c.position, c.settled) + 1; low < position {
			gaps = append(gaps, gap{low, position - 1, noBound})
		}
`, ``},
	}},
}

// shardSabotages are caught only where there are shards.
var shardSabotages = []sabotage{
	{name: "a router that hashes by another key", plan: divided, by: misplaced, patches: []patch{
		{"store/sharded/sharded.go", `s.of[s.slotOf(id)]`, `s.of[slotOf(id, s.slots)]`},
	}},

	{name: "an old epoch that writes", plan: divided, by: behind, patches: []patch{
		{"store/postgres/shard.go", `func (s *Store) BindShard(epoch int64) {
`, `func (s *Store) BindShard(epoch int64) {
	if epoch > 0 {
		return
	}
`},
	}},

	{name: "a merged sweep that stops at the first error", plan: divided, by: harmed, patches: []patch{
		{"run.go", `		loops.Go(func() { m.settleRepeatedly(ctx, p, stop) })
`, ``},
		{"run.go", `	loops.Wait()
	if host.Err() == nil {
`, `	for ; ctx.Err() == nil; time.Sleep(m.cfg.PollInterval) {
		var reports sync.WaitGroup
		var failed error
		for _, p := range m.parts {
			if m.sweep(ctx, p, &reports, func(_ string, err error) { failed = err }); failed != nil {
				break
			}
		}
	}
	loops.Wait()
	if host.Err() == nil {
`},
	}},
}

// failoverSabotages are caught only where the primary is lost.
var failoverSabotages = []sabotage{
	{name: "a commit that its context cancels", patches: []patch{
		{"store/postgres/postgres.go", `timeout: 10 * time.Second`, `timeout: 500 * time.Millisecond`}, // like the other times
		{"store/postgres/conn.go", `		connected.Store(true)
`, ``},
		{"store/postgres/doubt.go", `	doubt := s.doubts.about(id)
	if doubt == 0 {
`, `	doubt := s.doubts.about(id)
	if doubt >= 0 {
`},
	}},
}

// lazySabotage is a database that acknowledges before it has written to disk.
const lazySabotage = "synchronous_commit off"
