package main

import (
	"cmp"
	"errors"
	"flag"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/carrierfsm/carrierfsm/bench/measure/competitors/temporal"
	"github.com/carrierfsm/carrierfsm/bench/measure/runner"
)

// options are the program's flags.
type options struct {
	preset
	child bool
	only  *regexp.Regexp
	path  string
	// profile is the path of a CPU profile of the last cell.
	profile string
}

// preset is how much is measured.
type preset struct {
	name   string
	rounds int
	each   time.Duration
	warmUp time.Duration
	// micro is the number of calls of a round in memory, in thousands.
	micro int
	// waiting, slow and rows are the numbers of verifications that wait, that are in
	// flight, and in large stores.
	waiting, slow int
	rows          []int
	// primaries are the numbers of primaries of -scale.
	primaries []int
	// deliveries is the number of transitions to deliver, and due that of verifications
	// that are due.
	deliveries, due int
	// temporal measures Temporal even without -only; it takes minutes to build.
	temporal bool
}

var (
	quickPreset = preset{
		name: "quick", rounds: 2, each: 400 * time.Millisecond, warmUp: 100 * time.Millisecond, micro: 6,
		waiting: 10_000, slow: 1000, rows: []int{1000, 10_000},
		deliveries: 8000, due: 4000,
	}
	fullPreset = preset{
		name: "full", rounds: 5, each: 1600 * time.Millisecond, warmUp: 400 * time.Millisecond, micro: 30,
		waiting: 100_000, slow: 10_000, rows: []int{10_000, 1_000_000}, temporal: true,
		deliveries: 40_000, due: 20_000,
	}
	scalePreset = preset{name: scaleName, rounds: 3, each: 4 * time.Second, warmUp: 2 * time.Second, primaries: []int{1, 2, 4, 8}}
)

// scaleName is the preset that measures several primaries, and nothing else.
const scaleName = "scale"

// parse reads the flags. It prints an error to errs.
func parse(args []string, errs io.Writer) (o options, err error) {
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.SetOutput(errs)
	wantsQuick := flags.Bool("quick", false, "measure all but Temporal briefly: some minutes, and wide ranges")
	wantsScale := flags.Bool(scaleName, false, "measure several PostgreSQL primaries, the router and a synchronous standby: about 10 minutes on an idle machine")
	wantsFull := flags.Bool("full", false, "measure all: about 30 minutes on an idle machine, and some more to build Temporal the first time")
	rounds := flags.Int("rounds", 0, "the number of `rounds`, instead of the preset's")
	each := flags.Duration("for", 0, "how long each cell is measured in a round, instead of the preset's")
	rows := flags.String("rows", "", "the sizes of large stores in verifications: `numbers` with commas, instead of the preset's")
	only := flags.String("only", "", "measure only what matches this regular `expression`, and print the results")
	flags.StringVar(&o.path, "out", "", "the `document` to write, instead of docs/benchmarks.md or docs/scale-raw.md; the tables of the first go to the same name with -raw")
	flags.StringVar(&o.profile, "profile", "", "the `file` for a CPU profile of the last cell")
	flags.BoolVar(&o.child, strings.TrimPrefix(runner.ChildFlag, "-"), false, "used by this program itself")
	if err = flags.Parse(args); err != nil {
		return o, err
	}
	o.preset = quickPreset
	switch {
	case *wantsFull:
		o.preset = fullPreset
	case *wantsScale:
		o.preset = scalePreset
	}
	o.path = cmp.Or(o.path, documents[o.name])
	if *rounds > 0 {
		o.rounds = *rounds
	}
	if *each > 0 {
		o.each = *each
	}
	if o.only, err = regexp.Compile(*only); err == nil && *rows != "" {
		o.rows, err = numbers(*rows)
	}
	if err == nil && !exactlyOne(*wantsQuick, *wantsFull, *wantsScale) && !o.child {
		err = errors.New("one of -quick, -full and -scale is required")
	}
	if err != nil {
		_, _ = fmt.Fprintln(errs, "bench:", err)
	}
	return o, err
}

// documents are the default documents of the presets.
var documents = map[string]string{
	quickPreset.name: "../../docs/benchmarks.md", fullPreset.name: "../../docs/benchmarks.md", scalePreset.name: "../../docs/scale-raw.md",
}

func exactlyOne(all ...bool) bool {
	n := 0
	for _, one := range all {
		if one {
			n++
		}
	}
	return n == 1
}

// isWanted reports whether a cell is measured.
func (o options) isWanted(c runner.Cell) bool {
	filtered := o.only.String() != ""
	return o.only.MatchString(c.String()) && (o.temporal || filtered || !temporal.Is(c.Kind))
}

func numbers(text string) (list []int, err error) {
	for word := range strings.SplitSeq(text, ",") {
		n, err := strconv.Atoi(word)
		if err != nil || n <= 0 {
			return nil, fmt.Errorf("%q is not a number of verifications", word)
		}
		list = append(list, n)
	}
	return list, nil
}
