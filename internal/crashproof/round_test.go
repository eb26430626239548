package crashproof_test

import (
	"context"
	"fmt"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm"
)

// outcome is the outcome of one round, or of several.
type outcome struct {
	rounds                       int
	kills, pauses, stops, cuts   int64
	waiting                      int64
	verifications, done          int
	codes, resets, skips         int // codes that arrived upstream
	submissions, acknowledged    int
	requests, unknown, unsent    int
	late, operations, deliveries int
	took                         time.Duration
	moves, elsewhere             int64         // of shards; what other shards acknowledged while one was away
	gap                          time.Duration // of a failover: without an acknowledged write
	seeds                        []uint64
	alarm                        *alarm
	violations                   []violation
}

// runRound runs one round and judges it.
func runRound(t *testing.T, p plan) outcome {
	t.Helper()
	if p.program == "" {
		program, err := os.Executable()
		require.NoError(t, err)
		p.program = program
	}
	ctx := context.Background()
	w := newWorld(t, p)
	require.NoError(t, w.run(ctx))
	if w.alarmed() {
		return w.outcome(nil)
	}
	all, err := w.collect(ctx)
	require.NoError(t, err)
	out := w.outcome(all)
	out.violations = append(out.violations, leaks(t, w.folder)...)
	out.violations = append(out.violations, w.proxy.spent.overBudget()...)
	miscounts, err := w.miscounts(ctx)
	require.NoError(t, err)
	out.violations = append(out.violations, miscounts...)
	misplacements, err := w.misplacements(ctx)
	require.NoError(t, err)
	out.violations = append(out.violations, misplacements...)
	for _, e := range all {
		out.violations = append(out.violations, judgeOne(e)...)
		if e.record.ID != "" && e.forged == nil {
			out.violations = append(out.violations, linearize(e, w.folder)...)
		}
	}
	out.took = time.Since(w.started)
	if len(out.violations) > 0 {
		require.NoError(t, w.database.keep(ctx, w.folder))
	}
	return out
}

func (w *world) outcome(all []trace) outcome {
	out := outcome{
		rounds: 1, kills: w.kills.Load(), pauses: w.pauses.Load(), stops: w.stops.Load(), cuts: w.cuts.Load(),
		moves: w.moves.Load(), elsewhere: w.elsewhere.Load(), gap: w.gap(), waiting: w.waiting.Load(), verifications: len(all), seeds: []uint64{w.seed},
	}
	if len(w.alarms) > 0 {
		out.alarm = &w.alarms[0]
	}
	for _, e := range all {
		if e.record.State == "done" {
			out.done++
		}
		out.requests += len(e.arrivals)
		for _, a := range e.arrivals {
			if a.kind == string(carrierfsm.InputCaptcha) || a.kind == string(carrierfsm.InputResetCaptcha) {
				out.codes++
			}
		}
		out.deliveries += len(e.deliveries)
		out.operations += len(e.exchanges)
		for _, n := range e.exchanges {
			if n.request.Op == opSubmit {
				out.submissions++
				if n.response.Result == resultOK {
					out.acknowledged++
				}
			}
		}
		for _, c := range commitsOf(e.history) {
			if c.first.Event == carrierfsm.PasswordReset {
				out.resets++
			}
			if c.replied() && c.first.Detail.Input == carrierfsm.InputSkipSource {
				out.skips++
			}
			switch {
			case c.first.Detail.Fault == "unknown":
				out.unknown++
			case c.first.Detail.Fault != "":
				out.unsent++
			case c.first.Detail.Late:
				out.late++
			}
		}
	}
	return out
}

// add adds the outcome of other rounds.
func (o *outcome) add(b outcome) {
	o.rounds += b.rounds
	o.kills += b.kills
	o.pauses += b.pauses
	o.stops += b.stops
	o.cuts += b.cuts
	o.moves += b.moves
	o.elsewhere += b.elsewhere
	o.waiting += b.waiting
	o.verifications += b.verifications
	o.done += b.done
	o.codes += b.codes
	o.resets += b.resets
	o.skips += b.skips
	o.submissions += b.submissions
	o.acknowledged += b.acknowledged
	o.requests += b.requests
	o.unknown += b.unknown
	o.unsent += b.unsent
	o.late += b.late
	o.operations += b.operations
	o.deliveries += b.deliveries
	o.took += b.took
	o.gap = max(o.gap, b.gap)
	o.seeds = append(o.seeds, b.seeds...)
	o.violations = append(o.violations, b.violations...)
}

// kinds returns the kinds of its violations, with their numbers.
func (o *outcome) kinds() (list []string) {
	counts := make(map[string]int)
	for _, v := range o.violations {
		counts[v.kind]++
	}
	for _, kind := range kinds {
		if counts[kind] > 0 {
			list = append(list, fmt.Sprintf("%d %s", counts[kind], kind))
		}
	}
	return list
}

func (o outcome) String() string {
	return fmt.Sprintf("%d kills (%.1f people waiting at each), %d pauses, %d database stops, %d cuts, %d moves (%d submissions acknowledged on other shards); "+
		"%d verifications (%d done, %d codes, %d resets, %d skips), %d submissions (%d acknowledged), %d requests upstream, %d unknown, %d not sent, %d late replies, "+
		"%d operations, %d deliveries, in %s",
		o.kills, float64(o.waiting)/float64(max(o.kills, 1)), o.pauses, o.stops, o.cuts, o.moves, o.elsewhere,
		o.verifications, o.done, o.codes, o.resets, o.skips, o.submissions, o.acknowledged, o.requests, o.unknown, o.unsent, o.late,
		o.operations, o.deliveries, o.took.Round(100*time.Millisecond))
}

// requireHonest fails the test if there are violations, and logs the first ones.
func requireHonest(t *testing.T, o outcome) {
	t.Helper()
	t.Logf("%s", o)
	require.Nil(t, o.alarm)
	if len(o.violations) > 0 {
		first := o.violations[:min(len(o.violations), 12)]
		for _, v := range first {
			t.Log(v)
		}
		require.Fail(t, "guarantees were broken", "seeds %v: %s", o.seeds, o.kinds())
	}
	require.Positive(t, o.done, "no verification is done")
	require.Positive(t, o.acknowledged)
	require.True(t, slices.Contains([]bool{o.unknown > 0, o.kills == 0}, true), "no kill hit a call in flight")
}
