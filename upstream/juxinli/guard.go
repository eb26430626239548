package juxinli

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/carrierfsm/carrierfsm"
)

var _ carrierfsm.Upstream = (*Guard)(nil)

// Guard is a Client that looks into the catalogue before it sends an
// application. For a source that is offline it sends nothing and returns an
// error that matches carrierfsm.ErrNotSent and is an *OfflineError: the person's
// data did not leave, the attempt is given back, and the verification asks for
// the form again because of upstream_unavailable. A Machine does not hand the
// error on; a host that wants to say more calls Check before Submit.
//
// It never stands in the way: where the catalogue can't be had in time, or does
// not know the source, the application is sent and upstream decides. What else
// a Client can do it does unchanged.
type Guard struct {
	*Client
	cfg GuardConfig
}

// GuardConfig is what a Guard is made of. Client and Catalogue are required.
type GuardConfig struct {
	// Client is what sends.
	Client *Client
	// Catalogue is where it looks.
	Catalogue *Catalogue
	// Website tells which source a form will get to, from what the host knows of
	// the number; empty where it knows nothing. Then, and where Website is nil,
	// only the number's operator is looked at: see Catalogue.CheckPhone.
	Website func(context.Context, carrierfsm.Form) string
	// Patience is how long it waits for the catalogue. It must be below the five
	// seconds within which a Machine's call begins. Defaults to 2 s.
	Patience time.Duration
}

// maxPatience is what Patience may be at most.
const maxPatience = 4 * time.Second

// NewGuard checks the configuration. It returns an error for a missing Client
// or Catalogue, and for a Patience that is negative or too long.
func NewGuard(cfg GuardConfig) (*Guard, error) {
	switch {
	case cfg.Client == nil || cfg.Catalogue == nil:
		return nil, errors.New("juxinli: a Guard needs a Client and a Catalogue")
	case cfg.Patience < 0 || cfg.Patience > maxPatience:
		return nil, errors.New("juxinli: Patience is negative or longer than 4 s")
	case cfg.Patience == 0:
		cfg.Patience = 2 * time.Second
	}
	return &Guard{Client: cfg.Client, cfg: cfg}, nil
}

// Apply hands in the form, unless its source is offline.
func (g *Guard) Apply(ctx context.Context, a carrierfsm.Application) (carrierfsm.Receipt, error) {
	if err := g.Check(ctx, a.Form); err != nil {
		return carrierfsm.Receipt{}, fmt.Errorf("juxinli: applications: %w: %w", carrierfsm.ErrNotSent, err)
	}
	return g.Client.Apply(ctx, a)
}

// Check returns an *OfflineError for a form that Apply would not send because
// of its source, ErrNoChoice where the Client would not send it, and else nil.
func (g *Guard) Check(ctx context.Context, f carrierfsm.Form) error {
	if err := g.Client.Check(ctx, f); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, g.cfg.Patience)
	defer cancel()
	var err error
	if website := g.website(ctx, f); website != "" {
		err = g.cfg.Catalogue.Check(ctx, website)
	} else {
		err = g.cfg.Catalogue.CheckPhone(ctx, f.Phone)
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
