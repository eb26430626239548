package juxinli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/carrierfsm/carrierfsm"
)

// Why a source can't be used. Test with errors.Is.
var (
	// ErrOffline is matched by an *OfflineError: upstream does not serve the
	// source at present.
	ErrOffline = errors.New("juxinli: the data source is offline")
	// ErrUnknownSource is returned for a website that is not in the catalogue.
	ErrUnknownSource = errors.New("juxinli: no such data source")
)

// OfflineError is returned for a source, or for all sources of an operator,
// that upstream does not serve at present. It matches ErrOffline.
type OfflineError struct {
	// Website is the source's, or "chinamobile" for all of that operator's.
	Website string
	// Name is what a person calls it, "江苏移动" for instance; empty for an operator.
	Name string
}

// Error names the website.
func (e *OfflineError) Error() string { return ErrOffline.Error() + ": " + e.Website }

// Unwrap returns ErrOffline.
func (e *OfflineError) Unwrap() error { return ErrOffline }

// CatalogueConfig is how long a Catalogue keeps its list. The zero value is usable.
type CatalogueConfig struct {
	// TTL is how long a list is used before it is fetched again. Defaults to 5 min.
	TTL time.Duration
	// StaleFor is how long an older list is used while a newer one can't be
	// fetched. Defaults to 1 h.
	StaleFor time.Duration
	// RetryAfter is how long after a failure the next fetch is made at the
	// earliest; what the failure was is answered until then. Defaults to 30 s.
	RetryAfter time.Duration
	// Timeout is for a fetch, beside the client's. Defaults to 30 s.
	Timeout time.Duration
	// Now is the clock. Defaults to time.Now.
	Now func() time.Time
}

// Catalogue is the list of data sources, kept for a while in memory. Whoever
// asks when it is too old waits for one fetch that all share. While upstream
// fails the older list is good enough. It is safe for concurrent use.
type Catalogue struct {
	client *Client
	cfg    CatalogueConfig
	flight flight[[]carrierfsm.Source]

	mu     sync.Mutex
	list   []carrierfsm.Source // nil: none yet; never changed in place
	at     time.Time           // when list was fetched
	failed time.Time           // of the latest failure, zero after a success
	err    error               // that failure
}

// Catalogue returns an empty catalogue, which fetches when it is first asked.
// It returns an error for a bound that is negative.
func (c *Client) Catalogue(cfg CatalogueConfig) (*Catalogue, error) {
	for _, d := range []struct {
		value    *time.Duration
		standard time.Duration
	}{{&cfg.TTL, 5 * time.Minute}, {&cfg.StaleFor, time.Hour}, {&cfg.RetryAfter, 30 * time.Second}, {&cfg.Timeout, 30 * time.Second}} {
		if *d.value < 0 {
			return nil, errors.New("juxinli: a bound is negative")
		}
		if *d.value == 0 {
			*d.value = d.standard
		}
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	return &Catalogue{client: c, cfg: cfg}, nil
}

// Sources are all data sources; the list is the caller's. Its errors are those
// of Client.Datasources.
func (c *Catalogue) Sources(ctx context.Context) ([]carrierfsm.Source, error) {
	list, err := c.sources(ctx)
	return slices.Clone(list), err
}

// Source is the data source of a website. Its errors are ErrUnknownSource and
// those of Sources.
func (c *Catalogue) Source(ctx context.Context, website string) (carrierfsm.Source, error) {
	list, err := c.sources(ctx)
	if err != nil {
		return carrierfsm.Source{}, err
	}
	i := slices.IndexFunc(list, func(s carrierfsm.Source) bool { return s.Website == website })
	if i < 0 {
		return carrierfsm.Source{}, ErrUnknownSource
	}
	return list[i], nil
}

// Check returns nil for a website that upstream serves, an *OfflineError for
// one that it does not serve at present, and else the errors of Source.
func (c *Catalogue) Check(ctx context.Context, website string) error {
	s, err := c.Source(ctx, website)
	if err == nil && !s.Online {
		err = &OfflineError{Website: s.Website, Name: s.Name}
	}
	return err
}

// CheckPhone is Check by a phone number: an *OfflineError where every source of
// the number's operator is offline, else nil. It goes by OperatorOf, and is nil
// where the operator is not known, or has no source in the catalogue.
func (c *Catalogue) CheckPhone(ctx context.Context, phone string) error {
	operator, known := OperatorOf(phone)
	if !known {
		return nil
	}
	list, err := c.sources(ctx)
	if err != nil {
		return err
	}
	found := false
	for _, s := range list {
		if operator.runs(s.Website) {
			if s.Online {
				return nil
			}
			found = true
		}
	}
	if !found {
		return nil
	}
	return &OfflineError{Website: string(operator)}
}

// sources is the list, which must not be changed.
func (c *Catalogue) sources(ctx context.Context) ([]carrierfsm.Source, error) {
	if list, settled, err := c.kept(); settled {
		return list, err
	}
	return c.flight.do(ctx, c.cfg.Timeout, func(ctx context.Context) ([]carrierfsm.Source, error) {
		if list, settled, err := c.kept(); settled { // fetched while this caller was on its way
			return list, err
		}
		list, err := c.client.Datasources(ctx)
		return c.keep(list, err)
	})
}

// kept is what can be answered without a fetch, a list or the latest failure;
// settled is false where nothing can.
func (c *Catalogue) kept() (list []carrierfsm.Source, settled bool, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.cfg.Now()
	switch {
	case c.list != nil && now.Sub(c.at) < c.cfg.TTL:
		return c.list, true, nil
	case c.failed.IsZero() || now.Sub(c.failed) >= c.cfg.RetryAfter:
		return nil, false, nil
	}
	list, err = c.older(now)
	return list, true, err
}

// keep keeps what a fetch brought.
func (c *Catalogue) keep(list []carrierfsm.Source, err error) ([]carrierfsm.Source, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.cfg.Now()
	if err != nil {
		c.failed, c.err = now, fmt.Errorf("juxinli: catalogue: %w", err)
		return c.older(now)
	}
	c.list, c.at, c.failed, c.err = list, now, time.Time{}, nil
	return c.list, nil
}

// older is the older list while it is good, or else the latest failure. The
// caller holds the lock.
func (c *Catalogue) older(now time.Time) ([]carrierfsm.Source, error) {
	if c.list != nil && now.Sub(c.at) < c.cfg.TTL+c.cfg.StaleFor {
		return c.list, nil
	}
	return nil, c.err
}
