package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/carrierfsm/carrierfsm/bench/measure/lab"
	"github.com/carrierfsm/carrierfsm/bench/measure/peer/temporal"
)

// options are the program's flags.
type options struct {
	dose
	child bool
	only  *regexp.Regexp
	path  string
	// profile is where the last cell writes a CPU profile.
	profile string
}

// dose is how much is measured.
type dose struct {
	name   string
	rounds int
	each   time.Duration
	warmUp time.Duration
	// micro is how many thousand calls a round has in memory.
	micro int
	// waiting, flying and rows are how many verifications there are of a kind.
	waiting, flying int
	rows            []int
	// temporal is whether Temporal is measured unasked: it takes minutes to build.
	temporal bool
}

var (
	quick = dose{
		name: "quick", rounds: 2, each: 400 * time.Millisecond, warmUp: 100 * time.Millisecond, micro: 6,
		waiting: 10_000, flying: 1000, rows: []int{1000, 10_000},
	}
	full = dose{
		name: "full", rounds: 5, each: 1600 * time.Millisecond, warmUp: 400 * time.Millisecond, micro: 30,
		waiting: 100_000, flying: 10_000, rows: []int{10_000, 1_000_000}, temporal: true,
	}
)

// parse reads the flags; what is wrong with them it has told to errs.
func parse(args []string, errs io.Writer) (o options, err error) {
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.SetOutput(errs)
	wantsQuick := flags.Bool("quick", false, "measure everything but Temporal briefly: some minutes, and wide spreads")
	wantsFull := flags.Bool("full", false, "measure everything: about 25 minutes on a quiet machine, and once some more to build Temporal")
	rounds := flags.Int("rounds", 0, "how many `rounds`, instead of what the dose has")
	each := flags.Duration("for", 0, "how long each is measured in a round, instead of what the dose has")
	rows := flags.String("rows", "", "how many verifications large stores hold: `numbers` with commas, instead of what the dose has")
	only := flags.String("only", "", "measure only what matches this `expression`, and print it")
	flags.StringVar(&o.path, "out", "../../docs/benchmarks.md", "the `document` to write; its tables go to a file beside it, named …-raw.md")
	flags.StringVar(&o.profile, "profile", "", "the `file` for a CPU profile of the last cell")
	flags.BoolVar(&o.child, strings.TrimPrefix(lab.ChildFlag, "-"), false, "used by this program itself")
	if err = flags.Parse(args); err != nil {
		return o, err
	}
	o.dose = quick
	if *wantsFull {
		o.dose = full
	}
	if *rounds > 0 {
		o.rounds = *rounds
	}
	if *each > 0 {
		o.each = *each
	}
	if o.only, err = regexp.Compile(*only); err == nil && *rows != "" {
		o.rows, err = numbers(*rows)
	}
	if err == nil && *wantsQuick == *wantsFull && !o.child {
		err = errors.New("say either -quick or -full")
	}
	if err != nil {
		_, _ = fmt.Fprintln(errs, "bench:", err)
	}
	return o, err
}

// wants tells whether a cell is measured.
func (o options) wants(c lab.Cell) bool {
	unasked := o.only.String() == ""
	return o.only.MatchString(c.String()) && (o.temporal || !unasked || !temporal.Is(c.Kind))
}

func numbers(text string) (list []int, err error) {
	for word := range strings.SplitSeq(text, ",") {
		n, err := strconv.Atoi(word)
		if err != nil || n <= 0 {
			return nil, fmt.Errorf("%q is no number of verifications", word)
		}
		list = append(list, n)
	}
	return list, nil
}
