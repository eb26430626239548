package crashproof_test

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm/internal/pgtest"
)

var failoverFlag = flag.String("failover", "", "ci, release (which writes docs/reliability.md), or one disaster's name: fail over clusters of PostgreSQL")

var (
	roundsFlag = flag.Int("rounds", 3, "of -failover release: rounds of each disaster")
	writeFlag  = flag.Bool("write", false, "write docs/reliability.md after -failover ci too")
)

// failover is what happens to a cluster in a round.
type failover struct {
	disaster disaster
	topology topology
	cluster  *pgtest.Replicated
}

// topology is a kind of cluster.
type topology struct {
	name         string
	nodes        int
	asynchronous bool
}

var (
	pair      = topology{"pair", 2, false}
	trio      = topology{"trio", 3, false}
	asyncPair = topology{"asynchronous pair", 2, true}
)

// failovers counts databases, for their names.
var failovers atomic.Int64

// ttl is the life of the primary's lock: 20 s is the shortest that newer versions of
// Patroni accept.
func ttl() time.Duration {
	if *failoverFlag == "release" {
		return 20 * time.Second
	}
	return 8 * time.Second
}

// longestOutage is how long people may find that nothing is written.
func longestOutage() time.Duration { return ttl() + 10*time.Second }

// lossy reports whether commits may be lost.
func (f *failover) lossy() bool { return f.topology.asynchronous }

func (f *failover) newDatabase(t *testing.T) (dsn string) {
	t.Helper()
	dsn, err := f.cluster.NewDatabase(t.Context(), fmt.Sprintf("failover%d", failovers.Add(1)))
	require.NoError(t, err)
	return dsn
}

// Load before a disaster, and after it.
const (
	loadBefore = 2 * time.Second
	loadAfter  = 1500 * time.Millisecond
)

// failOver makes the disaster while people are served, waits until the cluster is whole
// again and people are served.
func (w *world) failOver(ctx context.Context) error {
	rest(ctx, loadBefore)
	w.outageFrom = time.Now()
	if err := w.failover.disaster.strike(ctx, w, w.failover.cluster); err != nil {
		return err
	}
	w.awaitService(ctx)
	rest(ctx, loadAfter)
	return w.failover.cluster.Healthy(ctx)
}

// awaitService waits until a write is acknowledged that begins now.
func (w *world) awaitService(ctx context.Context) {
	now := time.Now()
	w.await(ctx, 2*longestOutage(), func() bool { return w.recorder.wroteSince(now) })
}

// gap is the longest time without an acknowledged write, in the outage and after it.
func (w *world) gap() time.Duration {
	if w.failover == nil {
		return 0
	}
	return w.recorder.longestGap(w.outageFrom, time.Unix(0, w.quietSince.Load()))
}

// forgivable are the kinds of violation that a failover to an asynchronous standby
// causes: what was acknowledged may be lost. The handlers must receive all that the new
// primary has.
var forgivable = []string{
	lostAck, notLinear, repeated, unexplained, refusedSent, doubleTaken, judged, misjudged, replyless, early, phantom, exceeded,
}

// runFailovers runs the rounds of one cluster.
func runFailovers(t *testing.T, seed uint64, on topology, r *failoverReport) {
	t.Helper()
	f := failover{topology: on}
	f.cluster = pgtest.StartReplicated(t, pgtest.ReplicatedOptions{Nodes: on.nodes, Asynchronous: on.asynchronous, TTL: ttl()})
	logs := filepath.Join(os.TempDir(), "crashproof-"+strings.ReplaceAll(on.name, " ", "-"))
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the servers' logs: %s", logs)
			require.NoError(t, f.cluster.Log(logs))
		}
	})
	for _, d := range chosenDisasters(on) {
		f.disaster = d
		sum := result{title: on.name + ", " + d.name}
		t.Run(strings.ReplaceAll(d.name, " ", "_"), func(t *testing.T) {
			for i := range failoverRounds() {
				o := f.run(t, seed+uint64(i), "")
				if on.asynchronous {
					o = requireNoticed(t, o)
				} else {
					requireHonest(t, o)
					require.LessOrEqual(t, o.gap, longestOutage(), "seeds %v: people were not served in time", o.seeds)
				}
				sum.add(o)
			}
			r.add(on.asynchronous, sum)
		})
	}
	for _, s := range failoverSabotages {
		if on == pair && (*failoverFlag == "ci" || *failoverFlag == "release") {
			f.disaster = lostStandby
			t.Run("sabotage", func(t *testing.T) { r.add(true, f.catch(t, seed, s)) })
		}
	}
}

// run is one round, on a database of its own.
func (f failover) run(t *testing.T, seed uint64, program string) outcome {
	t.Helper()
	o := runRound(t, plan{store: inPostgres, replicas: 3, people: 16, seed: seed, failover: &f, program: program})
	t.Logf("gap %s", o.gap.Round(10*time.Millisecond))
	return o
}

// requireNoticed fails the test if the judge has not noticed that an asynchronous
// failover loses commits, or if it did more harm than that.
func requireNoticed(t *testing.T, o outcome) outcome {
	t.Helper()
	require.NotEmpty(t, o.violations, "seeds %v: the judge does not notice what an asynchronous failover loses", o.seeds)
	t.Logf("noticed: %s", o.kinds())
	rest := o
	rest.violations = slices.DeleteFunc(slices.Clone(o.violations), func(v violation) bool { return slices.Contains(forgivable, v.kind) })
	requireHonest(t, rest)
	return o
}

// catch runs rounds with a sabotaged store until the judge notices it.
func (f failover) catch(t *testing.T, seed uint64, s sabotage) result {
	t.Helper()
	program := s.build(t)
	sum := result{title: s.name}
	for i := range 3 {
		o := f.run(t, seed+uint64(i), program)
		if o.alarm != nil {
			o.violations = append(o.violations, violation{repeated, o.alarm.id, o.alarm.what})
		}
		if sum.add(o); len(sum.violations) > 0 {
			t.Logf("caught: %s", sum.kinds())
			return sum
		}
	}
	require.Fail(t, "it was not noticed", "seed %d", seed)
	return sum
}

// A failover to a synchronous standby loses no acknowledged transition and repeats no
// secret, and people are served again in time, whatever happens to the primary, the
// standbys, the network between them and Patroni's store. A failover to an asynchronous
// one loses commits, which the judge notices, but no handler misses a step.
func TestNothingIsLostByFailover(t *testing.T) {
	if *failoverFlag == "" {
		t.Skip("it takes minutes: run as root with -failover ci, after apt-get install postgresql patroni etcd-server iproute2")
	}
	seed := firstSeed()
	var r failoverReport
	t.Run("clusters", func(t *testing.T) {
		for _, on := range []topology{pair, trio, asyncPair} {
			t.Run(on.name, func(t *testing.T) {
				t.Parallel()
				runFailovers(t, seed, on, &r)
			})
		}
	})
	if (*failoverFlag == "release" || *writeFlag) && !t.Failed() {
		require.NoError(t, r.write())
	}
}

func failoverRounds() int {
	if *failoverFlag == "release" {
		return *roundsFlag
	}
	return 1
}

// chosenDisasters are those of the dose. Continuous integration has each of them once, on
// one of the clusters.
func chosenDisasters(on topology) []disaster {
	switch {
	case on == asyncPair:
		return []disaster{cutOffPrimary}
	case *failoverFlag == "release":
		return disasters
	case *failoverFlag == "ci" && on == pair:
		return []disaster{killedPrimary, lostStandby, lostStore}
	case *failoverFlag == "ci":
		return []disaster{frozenPrimary, cutOffPrimary, plannedSwitchover}
	default:
		return slices.DeleteFunc(slices.Clone(disasters), func(d disaster) bool { return d.name != *failoverFlag })
	}
}
