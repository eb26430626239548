package main

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"encoding/base64"
	"errors"
	"flag"
	"io"
	"os"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/budget"
	"github.com/carrierfsm/carrierfsm/store/acts"
)

func findFlags(f *flag.FlagSet) action {
	var o options
	o.namedFlags(f)
	file := f.String("secret-file", "", "the `file` of the secret with which the host makes keys of numbers, in base64 ("+secretVariable+")")
	key := f.String("key", "", "the `key` itself, instead of a number")
	return func(ctx context.Context, std streams, args []string) error {
		if *key == "" {
			var err error
			if *key, err = keyOfNumber(cmp.Or(*file, os.Getenv(secretVariable)), args, std.in); err != nil {
				return err
			}
		} else if len(args) > 0 {
			return usage("-key and a number: one of them")
		}
		return o.named(func(ctx context.Context, s *session, _ []string) error { return s.find(ctx, *key) })(ctx, std, args)
	}
}

func (s *session) find(ctx context.Context, key string) error {
	list, err := s.machine.List(ctx, carrierfsm.Query{Key: key, Bodies: true, Limit: 1})
	if err != nil {
		return err
	}
	found := acts.Act{Kind: acts.Find, Count: len(list)}
	if len(list) > 0 {
		found.Verification = list[0].ID
	}
	s.looked(ctx, found)
	if len(list) == 0 {
		return marked{errNoVerification, errNone}
	}
	rows := []summaryJSON{summaryOf(list[0])}
	return printRows(s, summaryHeader, rows, summaryJSON.cells)
}

// keyOfNumber returns the key of a number, which is the argument or on standard
// input. Its errors contain no number.
func keyOfNumber(secretFile string, args []string, in io.Reader) (string, error) {
	if secretFile == "" {
		return "", usage("find needs the host's secret: -secret-file or %s", secretVariable)
	}
	text, err := os.ReadFile(secretFile)
	if err != nil {
		return "", usage("the secret: %w", err)
	}
	secret, err := base64.StdEncoding.DecodeString(string(bytes.TrimSpace(text)))
	if err != nil {
		return "", usage("%s: not base64", secretFile)
	}
	numbers, err := budget.NewNumbers(secret)
	if err != nil {
		return "", usage("%s: %w", secretFile, err)
	}
	var number string
	if len(args) == 1 && args[0] != "-" {
		number = args[0]
	} else if number, err = bufio.NewReader(io.LimitReader(in, 4096)).ReadString('\n'); err != nil && !errors.Is(err, io.EOF) {
		return "", err
	}
	key, err := numbers.Key(number)
	if err != nil {
		return "", usage("no mobile number of 11 digits")
	}
	return key, nil
}
