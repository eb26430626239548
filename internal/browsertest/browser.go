// Package browsertest drives a real Chromium for tests of pages: tabs of any
// size and language, keys and clicks, screenshots, and what the browser's
// console has to complain about. It needs Chromium from the PATH, and for
// Tab.Accessible the file axe.min.js of the npm package axe-core. No production
// package may import it.
//
// Each Browser has a fresh profile in a temporary folder, which goes with it.
package browsertest

import (
	"context"
	"errors"
	"os/exec"
	"time"

	"github.com/chromedp/chromedp"
)

// ErrMissing is returned where Chromium is not installed.
var ErrMissing = errors.New("browsertest: Chromium is missing; on Debian: apt-get install chromium")

// programs are the names of the browser in the PATH, the first found is taken.
var programs = []string{"chromium", "chromium-browser", "google-chrome"}

// switches go beside those of chromedp: nothing that phones home, no sandbox
// because tests may run as root in a container.
var switches = []string{
	"no-sandbox", "disable-gpu", "disable-quic", "disable-background-networking",
	"disable-component-update", "disable-sync", "hide-scrollbars",
}

// patience bounds every step: far more than any takes, on a busy machine too.
const patience = 60 * time.Second

// Browser is a running Chromium. Its methods are safe for concurrent use.
type Browser struct {
	ctx  context.Context //nolint:containedctx // chromedp keeps the browser in it
	free context.CancelFunc
}

// Start starts a headless Chromium. It returns ErrMissing where there is none.
// Close it when done; it ends with the process that started it in any case.
func Start() (*Browser, error) {
	program, err := findProgram()
	if err != nil {
		return nil, err
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(program))
	for _, name := range switches {
		options = append(options, chromedp.Flag(name, true))
	}
	allocator, free := chromedp.NewExecAllocator(context.Background(), options...)
	ctx, _ := chromedp.NewContext(allocator) // Close ends it, with chromedp.Cancel
	if err := chromedp.Do(ctx); err != nil {
		free()
		return nil, err
	}
	return &Browser{ctx: ctx, free: free}, nil
}

func findProgram() (string, error) {
	for _, name := range programs {
		if path, err := exec.LookPath(name); err == nil {
			return path, nil
		}
	}
	return "", ErrMissing
}

// Close closes the browser with all its tabs, waits until its processes are
// gone and removes its profile.
func (b *Browser) Close() error {
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	err := chromedp.Cancel(ctx)
	b.free()
	return err
}
