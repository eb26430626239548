package juxinli

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/carrierfsm/carrierfsm"
)

var _ carrierfsm.Upstream = (*Guard)(nil)

// Guard is a Client that checks the catalogue before it sends an application. For
// a source that is offline it sends nothing. Check returns an *OfflineError, which
// Machine.Submit returns before it spends an attempt; Apply returns one that also
// matches carrierfsm.ErrNotSent.
//
// If the catalogue can't be fetched in time, or does not list the source, the
// application is sent and upstream decides. All other methods are the Client's.
type Guard struct {
	*Client
	cfg GuardConfig
}

// GuardConfig configures a Guard. Client and Catalogue are required.
type GuardConfig struct {
	// Client sends the application.
	Client *Client
	// Catalogue lists the sources.
	Catalogue *Catalogue
	// Website returns the source of a form, from what the host knows of the
	// number; empty if it does not know. Then, and if Website is nil, only the
	// number's operator is checked: see Catalogue.CheckPhone.
	Website func(context.Context, carrierfsm.Form) string
	// Timeout bounds the wait for the catalogue, at most 4 s: a Machine begins a
	// call within five seconds. Defaults to 2 s.
	Timeout time.Duration
}

const maxGuardTimeout = 4 * time.Second

// NewGuard checks the configuration. It returns an error for a missing Client or
// Catalogue, and for a Timeout that is negative or too long.
func NewGuard(cfg GuardConfig) (*Guard, error) {
	switch {
	case cfg.Client == nil || cfg.Catalogue == nil:
		return nil, errors.New("juxinli: a Guard needs a Client and a Catalogue")
	case cfg.Timeout < 0 || cfg.Timeout > maxGuardTimeout:
		return nil, errors.New("juxinli: the Timeout of a Guard is negative or longer than 4 s")
	case cfg.Timeout == 0:
		cfg.Timeout = 2 * time.Second
	}
	return &Guard{Client: cfg.Client, cfg: cfg}, nil
}

// Apply submits the form, unless its source is offline.
func (g *Guard) Apply(ctx context.Context, a carrierfsm.Application) (carrierfsm.Receipt, error) {
	if err := g.Check(ctx, a.Form); err != nil {
		return carrierfsm.Receipt{}, &callError{"applications", fmt.Errorf("%w: %w", carrierfsm.ErrNotSent, err)}
	}
	return g.Client.Apply(ctx, a)
}

// Check returns an *OfflineError for a form whose source is offline, ErrNoChoice
// for one that the Client would not send, and nil for every other.
func (g *Guard) Check(ctx context.Context, f carrierfsm.Form) error {
	if err := g.Client.Check(ctx, f); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, g.cfg.Timeout)
	defer cancel()
	var err error
	if website := g.website(ctx, f); website != "" {
		err = g.cfg.Catalogue.Check(ctx, website)
	} else {
		f.Phone.Use(func(phone []byte) { err = g.cfg.Catalogue.CheckPhone(ctx, string(phone)) })
	}
	if offline, is := errors.AsType[*OfflineError](err); is {
		return offline
	}
	return nil
}

func (g *Guard) website(ctx context.Context, f carrierfsm.Form) string {
	if g.cfg.Website == nil {
		return ""
	}
	return g.cfg.Website(ctx, f)
}
