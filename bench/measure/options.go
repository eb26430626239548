package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"regexp"
	"strings"
	"time"

	"github.com/carrierfsm/carrierfsm/bench/measure/lab"
)

// options are the program's flags.
type options struct {
	dose
	child bool
	only  *regexp.Regexp
	path  string
}

// dose is how much is measured.
type dose struct {
	name   string
	rounds int
	each   time.Duration
	warmUp time.Duration
	// micro is how many thousand calls a round has in memory.
	micro int
}

var (
	quick = dose{name: "quick", rounds: 2, each: 500 * time.Millisecond, warmUp: 100 * time.Millisecond, micro: 6}
	full  = dose{name: "full", rounds: 5, each: 2 * time.Second, warmUp: 500 * time.Millisecond, micro: 30}
)

// parse reads the flags; what is wrong with them it has told to errs.
func parse(args []string, errs io.Writer) (o options, err error) {
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.SetOutput(errs)
	wantsQuick := flags.Bool("quick", false, "measure everything briefly: some minutes, and wide spreads")
	wantsFull := flags.Bool("full", false, "measure everything: about 25 minutes on a quiet machine")
	rounds := flags.Int("rounds", 0, "how many `rounds`, instead of what the dose has")
	each := flags.Duration("for", 0, "how long each is measured in a round, instead of what the dose has")
	only := flags.String("only", "", "measure only what matches this `expression`, and write no document")
	flags.StringVar(&o.path, "out", "../../docs/benchmarks.md", "the `document` to write")
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
	if o.only, err = regexp.Compile(*only); err == nil && *wantsQuick == *wantsFull && !o.child {
		err = errors.New("say either -quick or -full")
	}
	if err != nil {
		_, _ = fmt.Fprintln(errs, "bench:", err)
	}
	return o, err
}
