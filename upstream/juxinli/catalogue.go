package juxinli

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/carrierfsm/carrierfsm"
)

// Why a source can't be used. Test with errors.Is.
var (
	// ErrOffline matches an *OfflineError: upstream does not serve the source at
	// present.
	ErrOffline = errors.New("juxinli: the data source is offline")
	// ErrUnknownSource is returned for a website that is not in the catalogue.
	ErrUnknownSource = errors.New("juxinli: no such data source")
)

// OfflineError is returned for a source, or for all sources of an operator,
// that upstream does not serve at present. It matches ErrOffline.
type OfflineError struct {
	// Website is the source's, or "chinamobile" for all of that operator's.
	Website string
	// Name is the source's display name, for instance "江苏移动"; empty for an operator.
	Name string
}

// Error includes the website.
func (e *OfflineError) Error() string { return ErrOffline.Error() + ": " + e.Website }

// Unwrap returns ErrOffline.
func (e *OfflineError) Unwrap() error { return ErrOffline }

// CatalogueConfig configures a Catalogue. The zero value is usable.
type CatalogueConfig struct {
	// TTL is how long a list is used before it is fetched again. Defaults to 5 min.
	TTL time.Duration
	// StaleFor is how long after TTL a list is still used while a new one can't be
	// fetched. Defaults to 1 h.
	StaleFor time.Duration
	// RetryAfter is the shortest time between a failed fetch and the next. Until
	// then the failure is cached. Defaults to 30 s.
	RetryAfter time.Duration
	// Timeout bounds a fetch, in addition to the client's. Defaults to 30 s.
	Timeout time.Duration
	// Now is the clock. Defaults to time.Now.
	Now func() time.Time
}

// Catalogue caches the list of data sources in memory. Concurrent callers share
// one fetch. While upstream fails, an expired list is used for StaleFor. It is
// safe for concurrent use.
type Catalogue struct {
	client *Client
	cfg    CatalogueConfig
	flight flight[[]carrierfsm.Source]

	mu     sync.Mutex
	list   []carrierfsm.Source // nil: none yet; replaced, never changed
	at     time.Time           // when list was fetched
	failed time.Time           // of the latest failure, zero after a success
	err    error               // that failure
}

// Catalogue returns an empty catalogue; its first use fetches the list. It returns
// an error for a negative bound.
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

// Sources returns a copy of the list of data sources. Its errors are those of
// Client.Datasources.
func (c *Catalogue) Sources(ctx context.Context) ([]carrierfsm.Source, error) {
	list, err := c.sources(ctx)
	return slices.Clone(list), err
}

// Source returns the data source of a website. Its errors are ErrUnknownSource and
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

// Check returns nil for a website that upstream serves, and an *OfflineError for
// one that it does not serve at present. Other errors are those of Source.
func (c *Catalogue) Check(ctx context.Context, website string) error {
	s, err := c.Source(ctx, website)
	if err == nil && !s.Online {
		err = &OfflineError{Website: s.Website, Name: s.Name}
	}
	return err
}

// CheckPhone checks the sources of the operator of a phone number, by OperatorOf.
// It returns an *OfflineError if all of them are offline, and nil if one is
// online, or if the operator is unknown or has no source in the catalogue. Other
// errors are those of Sources.
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
		if operator.owns(s.Website) {
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

// sources returns the list; the caller must not change it.
func (c *Catalogue) sources(ctx context.Context) ([]carrierfsm.Source, error) {
	if list, ok, err := c.cached(); ok {
		return list, err
	}
	return c.flight.do(ctx, c.cfg.Timeout, func(ctx context.Context) ([]carrierfsm.Source, error) {
		if list, ok, err := c.cached(); ok { // another caller has fetched it since the check above
			return list, err
		}
		list, err := c.client.Datasources(ctx)
		return c.store(list, err)
	})
}

// cached returns the list or the latest failure without a fetch; ok is false if a
// fetch is needed.
func (c *Catalogue) cached() (list []carrierfsm.Source, ok bool, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.cfg.Now()
	switch {
	case c.list != nil && now.Sub(c.at) < c.cfg.TTL:
		return c.list, true, nil
	case c.failed.IsZero() || now.Sub(c.failed) >= c.cfg.RetryAfter:
		return nil, false, nil
	}
	list, err = c.stale(now)
	return list, true, err
}

// store caches the result of a fetch.
func (c *Catalogue) store(list []carrierfsm.Source, err error) ([]carrierfsm.Source, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.cfg.Now()
	if err != nil {
		c.failed, c.err = now, &callError{"catalogue", err}
		return c.stale(now)
	}
	c.list, c.at, c.failed, c.err = list, now, time.Time{}, nil
	return c.list, nil
}

// stale returns the cached list within StaleFor, and after it the latest failure.
// The caller holds the lock.
func (c *Catalogue) stale(now time.Time) ([]carrierfsm.Source, error) {
	if c.list != nil && now.Sub(c.at) < c.cfg.TTL+c.cfg.StaleFor {
		return c.list, nil
	}
	return nil, c.err
}
