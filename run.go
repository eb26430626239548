package carrierfsm

import (
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// duePage is how many due records are read at once. A page is divided into
	// chunks, of which a replica settles chunksAtOnce at once, with so many settlers
	// each: stores write concurrent commits together. While people submit in this process
	// they come first: see settlersNow.
	duePage      = 1000
	chunks       = 16
	chunksAtOnce = 4
	settlers     = 8
	// maxFailed is after how many failures of the store a sweep ends.
	maxFailed = chunksAtOnce * settlers
	// maxWarned is how many records that fail Run warns about one by one, and
	// moreWarned how often it warns of how many further ones there are.
	maxWarned  = 1000
	moreWarned = time.Minute
	// runStalls is how long Run may make no progress before Ready returns an error.
	runStalls = time.Minute
	// clockInterval is how often Run compares its clock with the store's.
	clockInterval = time.Minute
)

// Run settles what is due, until ctx ends, and returns nil then; it returns
// ErrClosed when the machine or its store is closed before. Every replica may run it:
// they settle different parts of what is due, and of those that come to the same
// record the one that commits first settles it. No call of the store lasts longer
// than 10 s.
//
// What fails is tried again, and logged: once for each record, up to 1,000
// records at a time, and of more only how many, once a minute. After ctx has ended
// Run starts nothing new.
//
// Where the store has a clock, Run compares its own with it each minute. A clock
// that is ahead by more than half of Config.Grace would end the time of people
// who have some left: then Run settles nothing, and neither do Get and Submit.
//
// With Config.Retention Run also deletes what ended longer ago, with ActRetention what was
// logged longer ago, and with Config.Numbers the ledgers of budgets that have expired.
func (m *Machine) Run(ctx context.Context) error {
	if err := m.enter(); err != nil {
		return err
	}
	defer m.leave()
	host := ctx
	ctx, stop := m.calls.Until(ctx)
	defer stop()
	var loops sync.WaitGroup
	m.running.Add(1)
	defer m.running.Add(-1)
	for _, p := range m.parts {
		p.noteProgress(m.made)
		loops.Go(func() { m.settleRepeatedly(ctx, p, stop) })
		if m.cfg.Numbers.Counted() {
			loops.Go(func() { m.purgeOlder(ctx, p, ledgerSlack, p.store.PurgeLedgers) })
		}
		if acts, ok := p.bare.(actPurger); ok && m.cfg.ActRetention > 0 {
			loops.Go(func() { m.purgeOlder(ctx, p, m.cfg.ActRetention, acts.PurgeActs) })
		}
		if m.cfg.Retention > 0 {
			loops.Go(func() { m.retain(ctx, p) })
		}
	}
	loops.Wait()
	if host.Err() == nil {
		return ErrClosed
	}
	return nil
}

// settleRepeatedly settles what is due of a part of the store, until ctx ends. It calls
// closed if the store is closed.
func (m *Machine) settleRepeatedly(ctx context.Context, p *part, closed func()) {
	ticker := time.NewTicker(m.cfg.PollInterval)
	defer ticker.Stop()
	var reports sync.WaitGroup
	defer reports.Wait()
	w := warnings{Machine: m, of: p}
	compared := time.Now() // by New
	for ctx.Err() == nil {
		if m.clockAhead(p) || time.Since(compared) >= clockInterval {
			m.compareClocks(ctx, p)
			compared = time.Now()
		}
		if !m.clockAhead(p) {
			_, complete := m.sweep(ctx, p, &reports, func(id string, err error) {
				if errors.Is(err, ErrClosed) {
					closed() // a closed store stays closed
				}
				w.warn(ctx, id, err)
			})
			w.endSweep(ctx, complete)
		}
		select {
		case <-ctx.Done():
		case <-ticker.C:
		}
	}
}

// Settle does once what Run does repeatedly: it settles every prompt whose
// deadline has passed and every call whose process died before it committed the
// outcome, and asks for the reports that are due. It returns how many records
// it settled. The error joins those of the records that could not be settled,
// which don't stop the others, or says that this machine's clock is ahead. It
// matches ErrClosed after Close.
func (m *Machine) Settle(ctx context.Context) (int, error) {
	if err := m.enter(); err != nil {
		return 0, err
	}
	defer m.leave()
	var errs []error
	var reports sync.WaitGroup
	settled := 0
	for _, p := range m.parts {
		if m.compareClocks(ctx, p); m.clockAhead(p) {
			errs = append(errs, fmt.Errorf("carrierfsm: nothing was settled: this machine's clock is %v ahead of the store's", p.skewed()))
			continue
		}
		n, _ := m.sweep(ctx, p, &reports, func(id string, err error) {
			errs = append(errs, &Error{ID: id, Err: err})
		})
		settled += n
	}
	reports.Wait()
	return settled, errors.Join(errs...)
}

// sweep is one pass over what is due of a part of the store.
type sweep struct {
	*Machine
	of      *part
	reports *sync.WaitGroup

	mu       sync.Mutex
	failed   func(id string, err error)
	settled  int
	unstored int  // how often the store failed, of this page
	left     bool // a chunk of this page was left to another replica
}

// sweep settles what is due now of a part of the store. It returns how many records that
// were, and whether it came to the end. It calls failed for a record that it can't
// settle, and goes on, unless the store fails for many.
func (m *Machine) sweep(ctx context.Context, p *part, reports *sync.WaitGroup, failed func(id string, err error)) (settled int, complete bool) {
	s := sweep{Machine: m, of: p, reports: reports, failed: failed}
	var after PageKey
	for idle := 0; ctx.Err() == nil; {
		records, err := s.due(ctx, after)
		if err != nil {
			failed("", err)
			return s.settled, false
		}
		before := s.settled
		s.page(ctx, records)
		switch {
		case s.unstored >= maxFailed:
			return s.settled, false
		case s.unstored == 0 && ctx.Err() == nil:
			p.noteProgress(m.made)
		}
		if idle++; s.settled > before {
			idle = 0
		}
		switch {
		case s.left && idle < maxCASRetries: // what is still due of it is read again
			continue
		case len(records) < duePage:
			return s.settled, true
		}
		idle, after = 0, PageKey{Time: records[len(records)-1].Due, ID: records[len(records)-1].ID}
	}
	return s.settled, false
}

// due reads a page of what is due.
func (s *sweep) due(ctx context.Context, after PageKey) (records []Record, err error) {
	err = withTimeout(ctx, storeTimeout, func(ctx context.Context) (err error) {
		records, err = s.of.store.Due(ctx, s.now(), after, duePage)
		return err
	})
	if err != nil {
		return nil, storeError(ctx, err)
	}
	return records, nil
}

// page settles a page. All replicas divide it alike and begin with different chunks.
func (s *sweep) page(ctx context.Context, records []Record) {
	var divided [chunks][]Record
	for _, r := range records {
		chunk := crc32.ChecksumIEEE([]byte(r.ID)) % chunks
		divided[chunk] = append(divided[chunk], r)
	}
	order := rand.Perm(chunks) //nolint:gosec // no secret
	s.unstored, s.left = 0, false
	var next atomic.Int64
	var workers sync.WaitGroup
	for range min(chunksAtOnce, len(records)) {
		workers.Go(func() {
			for i := next.Add(1); i <= chunks; i = next.Add(1) {
				s.chunk(ctx, divided[order[i-1]])
			}
		})
	}
	workers.Wait()
}

// chunk settles a chunk of a page, and leaves it as soon as another replica is found
// to be settling it: that one began with the same record.
func (s *sweep) chunk(ctx context.Context, records []Record) {
	if len(records) == 0 || !s.settle(ctx, records[0]) {
		return
	}
	next, goOn := atomic.Int64{}, atomic.Bool{}
	goOn.Store(true)
	var workers sync.WaitGroup
	for settler := range min(settlers, len(records)-1) {
		workers.Go(func() {
			for goOn.Load() && settler < s.settlersNow(settlers) {
				i := next.Add(1)
				if i >= int64(len(records)) || !s.settle(ctx, records[i]) {
					goOn.Store(false)
				}
			}
		})
	}
	workers.Wait()
}

// settle settles one record. It returns false if the rest of its chunk is to be left.
func (s *sweep) settle(ctx context.Context, r Record) (goOn bool) {
	if ctx.Err() != nil {
		return false
	}
	err := s.settleDue(ctx, r)
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case err == nil:
		s.settled++
		s.of.noteProgress(s.made)
	case errors.Is(err, errNotDue):
	case errors.Is(err, ErrConflict) || errors.Is(err, ErrNotFound):
		s.left = true
		return false
	default:
		if errors.Is(err, ErrStore) {
			s.unstored++
		}
		s.failed(r.ID, err)
	}
	return s.unstored < maxFailed
}

// Ready returns nil if this machine can do its work: it is open, the store answers
// and has the tables of this build, Run runs in this process and has made progress within
// the last minute, and the clock is not so far ahead that Run settles nothing. It is for a
// readiness probe; the whole installation is watched by alerts: see docs/operations.md.
// The store is asked for one record and, where it has CheckSchema,
// for its tables, for 5 s at most each. Of a store with shards one that it can work with
// is enough: one that is down must not take all replicas out of service.
//
// The error says what is wrong, and contains nothing personal. It matches ErrClosed
// or ErrStore where these are the reason, or is the context's.
func (m *Machine) Ready(ctx context.Context) error {
	if err := m.enter(); err != nil {
		return err
	}
	defer m.leave()
	errs := make([]error, len(m.parts))
	var all sync.WaitGroup
	for i, p := range m.parts {
		all.Go(func() { errs[i] = m.partReady(ctx, p) })
	}
	all.Wait()
	if slices.Contains(errs, nil) {
		return nil
	}
	return errs[0]
}

// partReady returns nil if this machine can do its work with a part of the store.
func (m *Machine) partReady(ctx context.Context, p *part) error {
	err := withTimeout(ctx, readBackTimeout, func(ctx context.Context) error {
		_, err := p.store.Due(ctx, m.now(), PageKey{}, 1)
		return err
	})
	if store, ok := p.bare.(schemaChecker); ok && err == nil {
		err = withTimeout(ctx, readBackTimeout, store.CheckSchema)
	}
	running := int(m.running.Load())
	idle := p.idle(m.made, running)
	switch {
	case err != nil:
		return storeError(ctx, err)
	case running == 0:
		return errors.New("carrierfsm: Run does not run in this process")
	case m.clockAhead(p):
		return fmt.Errorf("carrierfsm: Run settles nothing: this machine's clock is %v ahead of the store's", p.skewed())
	case idle > runStalls+m.cfg.PollInterval:
		return fmt.Errorf("carrierfsm: Run has settled nothing for %v", idle.Round(time.Second))
	}
	return nil
}

// schemaChecker is a further power of a Store with tables that are migrated.
type schemaChecker interface {
	CheckSchema(ctx context.Context) error
}

// errNotDue is returned for a record that this machine's clock leaves as it is.
var errNotDue = errors.New("carrierfsm: not due")

// settleDue settles one record as it was read. The store's version check keeps
// a deadline from settling a later step.
func (s *sweep) settleDue(ctx context.Context, r Record) error {
	snap, err := s.codec.decode(r)
	if err != nil {
		return err
	}
	var d decision
	switch {
	case d.overdue(snap, s.now(), s.cfg.Limits):
		return s.commitSoon(ctx, &d)
	case snap.Watch != nil && s.cfg.Reporter != nil:
		return s.startReport(ctx, snap, s.reports)
	case snap.Watch != nil:
		return s.commitSoon(ctx, &decision{snapshot: snap.postponeReport(s.now(), s.cfg.Limits)})
	default:
		return errNotDue
	}
}

// warnings logs what Run can't settle of a part of the store.
type warnings struct {
	*Machine
	of      *part
	logged  map[string]bool // what failed in the latest sweeps
	failing map[string]bool // which of these failed in this sweep
	more    int             // how many others did
	moreAt  time.Time       // when their number was logged
}

// warn logs a failure that was not logged before.
func (w *warnings) warn(ctx context.Context, id string, err error) {
	if ctx.Err() != nil {
		return
	}
	if w.logged == nil {
		w.logged, w.failing = make(map[string]bool), make(map[string]bool)
	}
	switch {
	case w.logged[id]:
	case len(w.logged) == maxWarned:
		w.more++
		return
	default:
		w.logged[id] = true
		w.cfg.Logger.WarnContext(ctx, "what is due could not be settled", w.of.attrs("id", id, "err", err)...)
	}
	w.failing[id] = true
}

// endSweep logs how many further records failed, and forgets those that do not
// fail any more.
func (w *warnings) endSweep(ctx context.Context, complete bool) {
	if w.more > 0 && ctx.Err() == nil && (w.moreAt.IsZero() || time.Since(w.moreAt) >= moreWarned) {
		w.cfg.Logger.WarnContext(ctx, "further records that are due could not be settled", w.of.attrs("count", w.more)...)
		w.moreAt = time.Now()
	}
	for id := range w.logged {
		if complete && !w.failing[id] {
			delete(w.logged, id)
		}
	}
	clear(w.failing)
	w.more = 0
}
