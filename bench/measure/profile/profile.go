// Package profile sums the samples of a CPU profile by package.
package profile

import (
	"context"
	"fmt"
	"os/exec"
	"strconv"
	"strings"
)

// Shares are the shares of the samples by package, between 0 and 1.
type Shares map[string]float64

// Of reads a profile by `go tool pprof`.
func Of(ctx context.Context, path string) (Shares, error) {
	text, err := exec.CommandContext(ctx, "go", "tool", "pprof", "-top", "-nodecount=1000000", "-nodefraction=0", path).Output() //nolint:gosec // this program's own path
	if err != nil {
		return nil, fmt.Errorf("reading a profile: %w", err)
	}
	return Parse(string(text)), nil
}

// Parse parses the output of `go tool pprof -top`: after a line of titles one
// function in each line, with its own share in the second column and its name in the
// sixth.
func Parse(text string) Shares {
	shares := make(Shares)
	titled := false
	for line := range strings.Lines(text) {
		fields := strings.Fields(line)
		switch {
		case len(fields) > 1 && fields[0] == "flat":
			titled = true
		case titled && len(fields) >= 6:
			percent, err := strconv.ParseFloat(strings.TrimSuffix(fields[1], "%"), 64)
			if err == nil {
				shares[packageOf(fields[5])] += percent / 100
			}
		}
	}
	return shares
}

// packageOf returns the package of a function's full name. Go's runtime packages
// count as one.
func packageOf(name string) string {
	slash := strings.LastIndexByte(strings.SplitN(name, "[", 2)[0], '/') + 1
	if dot := strings.IndexByte(name[slash:], '.'); dot >= 0 {
		name = name[:slash+dot]
	}
	if strings.HasPrefix(name, "runtime/internal") || strings.HasPrefix(name, "internal/runtime") {
		return "runtime"
	}
	return name
}
