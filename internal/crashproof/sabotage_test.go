package crashproof_test

// sabotage is a way to break the guarantees: the real engine with a few lines changed,
// or a port that breaks its contract.
type sabotage struct {
	name    string
	plan    plan    // of one round
	patches []patch // of files of this module
	ports   string  // what the replicas' ports do wrong
}

// patch replaces a text that is in a file exactly once.
type patch struct{ file, old, by string }

var (
	killed  = plan{store: inSQLite, replicas: 1, people: 16, kills: 15}
	two     = plan{store: inSQLite, replicas: 2, people: 16, kills: 15}
	paused  = plan{store: inPostgres, replicas: 3, people: 40, kills: 10, pauses: 40}
	stopped = plan{store: inPostgres, replicas: 2, people: 24, kills: 20, stops: 3}
)

const (
	commitIntent = `		err = s.commit(ctx, &d)
		if err == nil {
			return d.opened, nil
		}`
	callAndConclude = `	out := s.call(ctx, o)
	d, err := s.conclude(ctx, o, &out)
`
	collect = `	reply, err := s.cfg.Upstream.Collect(ctx, r)
`
	sqliteCommit = `	return s.queue.Do(ctx, item{write.Request{Record: r, Entries: entries}, false})
`
	deadline = `	now := s.now()
	if now.Sub(o.Intent.At) > sendWithin || !now.Before(o.Intent.Deadline) {
		return outcome{fault: FaultNotSent} // this process stood still: too late to begin
	}
	ctx, end := s.cfg.Observer.call(ctx, Calling{ID: s.id, Call: o.Intent.Call, Input: s.in.Kind(), Source: o.At.Website})
	defer func() { end(Called{Fault: out.fault}) }()
	until := withDeadline(ctx, time.Now().Add(o.Intent.Deadline.Sub(now)).Round(0))
`
	handThenAdvance = `		n, rows := r.deliver(ctx, batch)
		if err := r.advance(ctx, batch, n, rows); err != nil {
			return err
		}`
)

// sabotages are mistakes that the guarantees exclude.
var sabotages = []sabotage{
	{name: "no intent", plan: killed, patches: []patch{{"submit.go", commitIntent, `		d.Version = o.Version
		return d.opened, nil`}}},

	{name: "intent after the send", plan: killed, patches: []patch{
		{"submit.go", commitIntent, `		return d.opened, nil`},
		{"submit.go", callAndConclude, `	out := s.call(ctx, o)
	if err := s.commit(ctx, &decision{opened: *o}); err != nil {
		return s.answer(o, ErrPending)
	}
	d, err := s.conclude(ctx, o, &out)
`},
	}},

	{name: "resend on timeout", plan: killed, patches: []patch{{"call.go", collect, collect + `	if err != nil && !errors.Is(err, ErrNotSent) {
		reply, err = s.cfg.Upstream.Collect(ctx, r)
	}
`}}},

	{name: journalSabotage, plan: killed, ports: journalSabotage},

	{name: "check-then-write", plan: two, patches: []patch{
		{"store/sqlite/write.go", `	WHERE id = ? AND version = ?`, `	WHERE id = ? AND ? > 0`},
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
		{"store/sqlite/write.go", `	WHERE id = ? AND version = ?`, `	WHERE id = ? AND ? > 0`},
	}},

	{name: "no lease check at the write", plan: paused, patches: []patch{
		{"call.go", `	if o.Intent != nil {
		return o.Intent.Version == name
	}
	return o.Lost != nil && o.Lost.Version == name && out.fault == "" && !o.State.Terminal()`, `	return !o.State.Terminal()`},
		{"call.go", `	name, end := o.Intent.Version, o.Intent.Deadline.Add(m.cfg.Grace)
`, `	name, end := o.Intent.Version, o.Intent.Deadline.Add(m.cfg.Grace)
	mine := o.Intent
`},
		{"call.go", `		o = &overtaken
	}`, `		if o = &overtaken; o.Intent == nil {
			o.Lost = mine
		}
	}`},
	}},

	{name: "no absolute deadline", plan: paused, patches: []patch{
		{"call.go", deadline, `	ctx, end := s.cfg.Observer.call(ctx, Calling{ID: s.id, Call: o.Intent.Call, Input: s.in.Kind(), Source: o.At.Website})
	defer func() { end(Called{Fault: out.fault}) }()
	until := withDeadline(ctx, time.Now().Add(s.cfg.CallTimeout))
`},
	}},

	{name: "no answer taken for not sent", plan: killed, patches: []patch{
		{"call.go", `	fault := FaultUnknown
`, `	fault := FaultNotSent
`},
	}},

	{name: "an Idempotency-Key header", plan: killed, patches: []patch{
		{"upstream/juxinli/transport.go", `	r.Header.Set("Accept", "application/json")
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
		{"machine.go", `	if len(entries) > 0 {
		m.bells.ring()
	}
	return nil
`, `	if len(entries) > 0 {
		m.bells.ring()
	}
	if id := r.ID; !r.Due.IsZero() && !r.InFlight {
		time.AfterFunc(time.Until(r.Due), func() {
			o, err := m.load(context.Background(), id)
			if err != nil || o.State.Terminal() || o.Intent != nil {
				return
			}
			var d decision
			d.begin(&o, m.now(), m.cfg.Limits)
			d.clock(Expired)
			d.end()
			_ = m.commit(context.Background(), &d)
		})
	}
	return nil
`},
	}},

	{name: "told before it is committed", plan: killed, patches: []patch{
		{"call.go", `		if err = m.persist(ctx, &d, end); err == nil {
`, `		go func() { _ = m.persist(ctx, &d, end) }()
		if err == nil {
`},
	}},

	{name: "cursor moved before the handlers ran", plan: killed, patches: []patch{
		{"courier.go", handThenAdvance, `		if err := r.advance(ctx, batch, len(batch.Entries), nil); err != nil {
			return err
		}
		r.deliver(ctx, batch)`},
	}},

	{name: "calls of dead processes left alone", plan: killed, patches: []patch{
		{"decide.go", `	if in := o.Intent; in != nil {
		d = o.settle(`, `	if in := o.Intent; in != nil {
		return d, false
		d = o.settle(`},
	}},

	{name: lazySabotage, plan: stopped, ports: lazySabotage},

<<<<<<< HEAD
	{name: "cursor that passes gaps", plan: bereft, patches: []patch{
		{"store/postgres/gaps.go", `		if low := max(c.position, c.settled) + 1; low < position {
			gaps = append(gaps, gap{low, position - 1, noBound})
=======
	{name: "cursor that passes gaps", plan: stopped, patches: []patch{
		{"store/postgres/holes.go", `		if low := max(m.position, m.settled) + 1; low < place {
			holes = append(holes, hole{low, place - 1, unbound})
>>>>>>> tmp-kit
		}
`, ``},
	}},
}

// lazySabotage is a database that acknowledges before it has written to disk.
const lazySabotage = "synchronous_commit off"
