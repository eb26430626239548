// Package browsertest drives a real Chromium for tests of pages: tabs of any size
// and language, keys and clicks, screenshots, and the errors in the browser's
// console. It needs Chromium in the PATH, and for Tab.CheckAccessibility the file
// axe.min.js of the npm package axe-core. No production package may import it.
//
// Each Browser has a new profile in a temporary folder, which Close removes.
package browsertest

import (
	"context"
	"errors"
	"os/exec"
	"time"

	"github.com/chromedp/chromedp"
)

// ErrMissing is returned if Chromium is not installed.
var ErrMissing = errors.New("browsertest: Chromium is missing; on Debian: apt-get install chromium")

// programs are the names of the browser in the PATH, in the order of preference.
var programs = []string{"chromium", "chromium-browser", "google-chrome"}

// switches are used in addition to chromedp's: no background traffic, and no sandbox
// because tests may run as root in a container.
var switches = []string{
	"no-sandbox", "disable-gpu", "disable-quic", "disable-background-networking",
	"disable-component-update", "disable-sync", "hide-scrollbars",
}

// stepTimeout bounds every step, generously for a busy machine.
const stepTimeout = 60 * time.Second

// Browser is a running Chromium. Its methods are safe for concurrent use.
type Browser struct {
	ctx     context.Context //nolint:containedctx // chromedp keeps the browser in it
	release context.CancelFunc
}

// Start starts a headless Chromium. It returns ErrMissing if there is none. Close it
// when done; it ends with the process that started it.
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
	return &Browser{ctx: ctx, release: free}, nil
}

func findProgram() (string, error) {
	for _, name := range programs {
		if path, err := exec.LookPath(name); err == nil {
			return path, nil
		}
	}
	return "", ErrMissing
}

// Close closes the browser with all its tabs, waits for its processes to end and
// removes its profile.
func (b *Browser) Close() error {
	ctx, cancel := context.WithTimeout(b.ctx, stepTimeout)
	defer cancel()
	err := chromedp.Cancel(ctx)
	b.release()
	return err
}
