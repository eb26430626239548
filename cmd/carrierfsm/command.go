package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
)

// command is one subcommand.
type command struct {
	name  string // of one word, or two: "migrate up"
	args  string // the positional arguments, for its usage
	about string // one sentence
	more  string // further sentences, for its help

	least, most int // how many positional arguments there may be; most < 0: any number

	// flags defines the flags, and returns what runs the command with their values.
	flags func(f *flag.FlagSet) action
}

// action runs a command with its positional arguments.
type action func(ctx context.Context, std streams, args []string) error

// commands returns all subcommands, in the order of the help.
func commands() []command {
	return slices.Concat(lookCommands, actCommands, bulkCommands, actsCommands, storeCommands, shardCommands, []command{simulatorCommand, completionCommand()})
}

// dispatch finds the subcommand, parses its flags and runs it.
func dispatch(ctx context.Context, args []string, std streams) error {
	if len(args) == 0 {
		printHelp(std.err)
		return marked{errors.New(""), errUsage}
	}
	switch args[0] {
	case "help", "-h", "-help", "--help":
		return help(args[1:], std)
	}
	c, rest, err := find(args)
	if err != nil {
		return err
	}
	set := newFlags()
	act := c.flags(set)
	positional, err := parse(set, rest)
	switch {
	case errors.Is(err, flag.ErrHelp):
		c.printHelp(std.out)
		return nil
	case err != nil:
		return usage("%s: %w (see carrierfsm help %s)", c.name, err, c.name)
	case len(positional) < c.least || c.most >= 0 && len(positional) > c.most:
		return usage("usage: carrierfsm %s", c.usage())
	}
	return act(ctx, std, positional)
}

// find returns the command that the arguments begin with, and the other arguments.
func find(args []string) (command, []string, error) {
	for _, c := range commands() {
		words := strings.Fields(c.name)
		if len(args) >= len(words) && slices.Equal(words, args[:len(words)]) {
			return c, args[len(words):], nil
		}
	}
	var second []string
	for _, c := range commands() {
		if first, word, two := strings.Cut(c.name, " "); two && first == args[0] {
			second = append(second, word)
		}
	}
	if second != nil {
		return command{}, nil, usage("%s needs one of: %s", args[0], strings.Join(second, ", "))
	}
	return command{}, nil, usage("no subcommand %q (see carrierfsm help)", args[0])
}

func newFlags() *flag.FlagSet {
	set := flag.NewFlagSet("", flag.ContinueOnError)
	set.SetOutput(io.Discard)
	return set
}

// parse parses flags, which may stand before, between and after the positional
// arguments, and returns those. All after "--" are positional.
func parse(set *flag.FlagSet, args []string) (positional []string, err error) {
	for {
		if err := set.Parse(args); err != nil {
			return nil, err
		}
		rest := set.Args()
		if taken := len(args) - len(rest); len(rest) == 0 || taken > 0 && args[taken-1] == "--" {
			return append(positional, rest...), nil
		}
		positional, args = append(positional, rest[0]), rest[1:]
	}
}

// usage is the command's line without the program's name.
func (c command) usage() string { return strings.TrimSpace(c.name + " [flags] " + c.args) }

func help(args []string, std streams) error {
	if len(args) == 0 {
		printHelp(std.out)
		return nil
	}
	c, _, err := find(args)
	if err == nil {
		c.printHelp(std.out)
	}
	return err
}

func printHelp(w io.Writer) {
	p := func(format string, values ...any) { _, _ = fmt.Fprintf(w, format, values...) }
	p("carrierfsm looks at the verifications of a store, acts on them, and migrates its tables.\n\n")
	p("usage: carrierfsm SUBCOMMAND [flags] [arguments]\n\n")
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, c := range commands() {
		_, _ = fmt.Fprintf(table, "  %s\t%s\n", c.name, c.about)
	}
	_ = table.Flush()
	p("\ncarrierfsm help SUBCOMMAND lists its flags.\n\n")
	p("environment: %s is -store, %s is -key-file, %s is -secret-file, %s is -deployment, %s is -by.\n", storeVariable, keyVariable, secretVariable, nameVariable, operatorVariable)
	p("exit codes: 0 done, 1 failed, 2 usage, 3 not found, 4 refused in this state, 5 verify or migrate status found something.\n")
}

func (c command) printHelp(w io.Writer) {
	_, _ = fmt.Fprintf(w, "usage: carrierfsm %s\n\n%s.\n%s", c.usage(), c.about, c.more)
	if c.more != "" {
		_, _ = fmt.Fprintln(w)
	}
	set := newFlags()
	c.flags(set)
	_, _ = fmt.Fprintln(w)
	set.SetOutput(w)
	set.PrintDefaults()
}
