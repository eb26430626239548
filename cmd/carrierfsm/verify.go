package main

import (
	"context"
	"flag"
)

var verifyCommand = command{name: "verify", about: "Look for damage", flags: func(f *flag.FlagSet) action {
	var o options
	o.lookFlags(f)
	return o.look(func(context.Context, *session, []string) error { return nil })
}}
