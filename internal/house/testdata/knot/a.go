package knot

import "strings"

type A struct{ n int }

func a() string { return strings.ToUpper(b().name) }
