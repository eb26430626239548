package crashproof_test

import (
	"flag"
	"fmt"
	"sync"
	"testing"
	"time"
)

var (
	figuresFlag  = flag.String("figures", "", "ci, release or shards: how many rounds of which plans; release writes docs/reliability.md, and shards the part about shards")
	storeFlag    = flag.String("store", "sqlite", "of one round: sqlite, sqlite2 (two replicas), postgres, postgres3, or shards")
	killsFlag    = flag.Int("kills", 15, "of one round: kills (kill -9) of replicas")
	pausesFlag   = flag.Int("pauses", 0, "of one round: pauses of replicas, longer than their leases")
	stopsFlag    = flag.Int("stops", 0, "of one round: immediate stops of the database")
	seedFlag     = flag.Uint64("seed", 0, "of the first round; 0: from the time")
	sabotageFlag = flag.Bool("sabotage", false, "run the sabotaged engines too")
)

// configurations are the values of -store.
var configurations = map[string]plan{
	"sqlite":    {store: inSQLite, replicas: 1, people: 32},
	"sqlite2":   {store: inSQLite, replicas: 2, people: 32},
	"postgres":  {store: inPostgres, replicas: 1, people: 32},
	"postgres3": {store: inPostgres, replicas: 3, people: 60},
	"shards":    {store: inPostgres, sharded: true, replicas: 3, people: 48},
}

// figure is a number of rounds of one configuration.
type figure struct {
	title  string
	rounds int
	plan   plan
}

// figures returns what to run for the value of -figures. Each round starts with an empty
// database and is judged alone.
func figures() []figure {
	of := func(title, store string, rounds, kills, pauses, stops int) figure {
		p := configurations[store]
		p.kills, p.pauses, p.stops = kills, pauses, stops
		return figure{title, rounds, p}
	}
	const one, two, single, three, four = "SQLite", "SQLite, two replicas", "PostgreSQL", "PostgreSQL, three replicas", "four shards, three replicas"
	switch *figuresFlag {
	case "ci":
		return []figure{
			of(one, "sqlite", 4, 125, 0, 0),
			of(two, "sqlite2", 1, 60, 20, 0),
			of(single, "postgres", 4, 125, 0, 3),
			of(three, "postgres3", 4, 250, 75, 3),
			of(four, "shards", 2, 24, 6, 0),
		}
	case "release":
		return []figure{
			of(one, "sqlite", 40, 125, 0, 0),
			of(two, "sqlite2", 5, 100, 40, 0),
			of(single, "postgres", 40, 125, 0, 3),
			of(three, "postgres3", 80, 250, 125, 3),
			of(four, "shards", 12, 60, 20, 0),
		}
	case "shards":
		return []figure{of(four, "shards", 12, 60, 20, 0)}
	default:
		return []figure{of(*storeFlag, *storeFlag, 1, *killsFlag, *pausesFlag, *stopsFlag)}
	}
}

// firstSeed is the seed of the first round. The others follow it.
func firstSeed() uint64 {
	if *seedFlag != 0 {
		return *seedFlag
	}
	return uint64(time.Now().UnixNano() / 1000 % 1_000_000_000)
}

// run runs the rounds of a figure in parallel, as -parallel allows. Those on shards run one
// after the other: of two at once, with three servers and three replicas each, people have
// a fifth of what they submit on two cores.
func (f figure) run(t *testing.T, seed uint64) (sum outcome) {
	t.Helper()
	var mu sync.Mutex
	t.Run("rounds", func(t *testing.T) { // waits for all of them
		for i := range f.rounds {
			p := f.plan
			p.seed = seed + uint64(i)
			t.Run(fmt.Sprintf("seed %d", p.seed), func(t *testing.T) {
				if !p.sharded {
					t.Parallel()
				}
				o := runRound(t, p)
				requireHonest(t, o)
				mu.Lock()
				defer mu.Unlock()
				sum.add(o)
			})
		}
	})
	return sum
}
