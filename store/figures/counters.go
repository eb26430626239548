package figures

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/outbox"
)

// Config configures Counters. Store is required.
type Config struct {
	// Store keeps the counts. It is the store of the dispatcher.
	Store Store
	// Name is that of the cursor, and must never change. Defaults to "figures".
	Name string
	// Now is the clock, which says what is old. Defaults to time.Now.
	Now func() time.Time
}

// Counters counts transitions, and reads the counts. It is an outbox.Projection: a
// process whose dispatcher has it in Config.Projections counts; others only read. It is
// safe for concurrent use.
type Counters struct {
	cfg Config

	mu       sync.Mutex
	forgot   time.Time // when old rows were last deleted
	websites map[string]bool
}

var _ outbox.Projection = (*Counters)(nil)

// New returns Counters, or an error that matches carrierfsm.ErrInvalid for a Config
// without a Store.
func New(c Config) (*Counters, error) {
	if c.Store == nil {
		return nil, fmt.Errorf("%w: figures.Config needs a Store", carrierfsm.ErrInvalid)
	}
	c.Name = cmp.Or(c.Name, "figures")
	if c.Now == nil {
		c.Now = time.Now
	}
	return &Counters{cfg: c, websites: make(map[string]bool)}, nil
}

// Name implements outbox.Projection.
func (c *Counters) Name() string { return c.cfg.Name }

// Advance implements outbox.Projection. It counts the entries by their columns, which
// it believes: a Sealer does not protect the counts either.
func (c *Counters) Advance(ctx context.Context, l outbox.Lease, b outbox.Batch) error {
	now := c.cfg.Now().UTC()
	change := Change{Add: c.rows(b.Entries, now)}
	if c.forgets(now) {
		change.Forget = make(map[time.Duration]time.Time, len(kept))
		for period, keep := range kept {
			change.Forget[period] = now.Add(-keep)
		}
	}
	return c.cfg.Store.Count(ctx, l, b, change)
}

// Read returns the rows of a period whose Start is from or later and before until, in
// the order of Start, ties by ascending Source. It returns carrierfsm.ErrStore,
// carrierfsm.ErrClosed or the context's error.
func (c *Counters) Read(ctx context.Context, period time.Duration, from, until time.Time) ([]Row, error) {
	rows, err := c.cfg.Store.Counts(ctx, c.cfg.Name, period, from, until)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", cmp.Or(ctx.Err(), carrierfsm.ErrStore), err)
	}
	return rows, nil
}

// rows counts entries. A row that would be deleted as old is left out.
func (c *Counters) rows(entries []carrierfsm.Entry, now time.Time) []Row {
	type key struct {
		period time.Duration
		start  int64
		source string
	}
	all := make(map[key]*Row)
	for i := range entries {
		e := &entries[i]
		source := c.label(e.Source)
		for period, keep := range kept {
			start := StartOf(e.At, period)
			if start.Before(now.Add(-keep)) {
				continue
			}
			k := key{period, start.Unix(), source}
			row, known := all[k]
			if !known {
				row = &Row{Period: period, Start: start, Source: source}
				all[k] = row
			}
			row.Counts.Observe(e)
		}
	}
	rows := make([]Row, 0, len(all))
	for _, row := range all {
		rows = append(rows, *row)
	}
	slices.SortFunc(rows, func(a, b Row) int {
		return cmp.Or(cmp.Compare(a.Period, b.Period), a.Start.Compare(b.Start), cmp.Compare(a.Source, b.Source))
	})
	return rows
}

// forgets reports whether old rows are to be deleted now: once a minute.
func (c *Counters) forgets(now time.Time) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if since := now.Sub(c.forgot); since >= 0 && since < time.Minute {
		return false
	}
	c.forgot = now
	return true
}

// Other is the Source of the counts of websites that have none of their own.
const Other = "other"

const (
	// maxWebsites is how many websites a process counts apart from others, and
	// maxWebsite is the longest name: upstream sends the names, so there may be many,
	// and they may be anything.
	maxWebsites = 300
	maxWebsite  = 64
)

// label returns the Source under which a website is counted.
func (c *Counters) label(website string) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case website == "" || c.websites[website]:
		return website
	case len(website) > maxWebsite || len(c.websites) >= maxWebsites:
		return Other
	}
	website = string([]byte(website)) // not a part of an entry's memory
	c.websites[website] = true
	return website
}
