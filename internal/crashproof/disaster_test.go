package crashproof_test

import (
	"context"
	"errors"
	"time"

	"github.com/carrierfsm/carrierfsm/internal/pgtest"
)

// disaster is what makes a cluster fail over. strike returns when everything runs again;
// the cluster may still be recovering.
type disaster struct {
	name   string
	strike func(context.Context, *world, *pgtest.Replicated) error
}

var (
	killedPrimary = disaster{"primary killed", func(ctx context.Context, w *world, r *pgtest.Replicated) error {
		primary, err := r.Primary(ctx)
		if err != nil {
			return err
		}
		err = errors.Join(primary.Kill(), r.FailedOver(ctx, primary))
		w.awaitService(ctx)
		return errors.Join(err, primary.Start())
	}}

	frozenPrimary = disaster{"primary frozen and thawed", func(ctx context.Context, w *world, r *pgtest.Replicated) error {
		primary, err := r.Primary(ctx)
		if err != nil {
			return err
		}
		err = errors.Join(primary.Freeze(), r.FailedOver(ctx, primary))
		w.awaitService(ctx)
		return errors.Join(err, primary.Thaw())
	}}

	// Commits wait for the standby, callers give up, and then only the standby is left.
	// One that is only frozen would have in its socket what it has not read.
	lostStandby = disaster{"standby lost while commits wait", func(ctx context.Context, w *world, r *pgtest.Replicated) error {
		primary, err := r.Primary(ctx)
		if err != nil {
			return err
		}
		standbys := r.Standbys(primary)
		for _, s := range standbys {
			err = errors.Join(err, s.CutOff(false))
		}
		rest(ctx, between(newRand(w.seed, "standby", 0), 2*time.Second, 4*time.Second))
		err = errors.Join(err, primary.Kill())
		w.outageFrom = time.Now()
		for _, s := range standbys {
			err = errors.Join(err, s.Mend())
		}
		err = errors.Join(err, r.FailedOver(ctx, primary))
		w.awaitService(ctx)
		return errors.Join(err, primary.Start())
	}}

	// By turns, or if commits may be lost, the clients still reach the primary that the others have lost.
	cutOffPrimary = disaster{"primary cut off", func(ctx context.Context, w *world, r *pgtest.Replicated) error {
		primary, err := r.Primary(ctx)
		if err != nil {
			return err
		}
		err = primary.CutOff(w.seed%2 == 0 || w.failover.lossy())
		err = errors.Join(err, r.FailedOver(ctx, primary))
		w.awaitService(ctx)
		return errors.Join(err, primary.Mend())
	}}

	// Patroni's primary gives up without its store, and nothing is written until it is back.
	lostStore = disaster{"Patroni's store lost", func(ctx context.Context, w *world, r *pgtest.Replicated) error {
		err := r.Freeze()
		rest(ctx, ttl()+2*time.Second)
		err = errors.Join(err, r.Thaw())
		w.outageFrom = time.Now()
		return err
	}}

	plannedSwitchover = disaster{"planned switchover", func(ctx context.Context, _ *world, r *pgtest.Replicated) error {
		return r.Switchover(ctx)
	}}
)

// disasters are all of them.
var disasters = []disaster{killedPrimary, frozenPrimary, lostStandby, cutOffPrimary, lostStore, plannedSwitchover}
