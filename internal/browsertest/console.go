package browsertest

import (
	"context"
	"fmt"
	"strings"
	"sync"

	"github.com/chromedp/chromedp"
)

// console keeps what a tab's console complains about: errors, exceptions that
// nobody caught, violations of the page's content security policy, addresses
// that answered with a status from 400 on.
type console struct {
	mu        sync.Mutex
	list      []string
	tolerated []string
	caughtUp  chan struct{}
}

// mark is what catchUp writes to the console and waits for.
const mark = "browsertest: up to here"

// listen reads the console until ctx ends.
func listen(ctx context.Context) *console {
	c := &console{caughtUp: make(chan struct{}, 1)}
	messages := chromedp.Console(ctx)
	go func() {
		for m, err := range messages {
			if err != nil {
				return
			}
			c.take(m)
		}
	}()
	return c
}

func (c *console) take(m chromedp.ConsoleMessage) {
	switch {
	case m.Text == mark:
		c.caughtUp <- struct{}{}
	case m.IsException() || m.Type == chromedp.ConsoleError || m.Source == "security" || m.Source == "violation":
		c.mu.Lock()
		defer c.mu.Unlock()
		c.list = append(c.list, fmt.Sprintf("%s (%s:%d)", m, m.URL, m.Line))
	}
}

// catchUp waits until all that was written so far has been read.
func (c *console) catchUp() chromedp.Action[chromedp.Void] {
	return chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		if _, err := chromedp.Evaluate[bool]("console.debug("+quote(mark)+"), true")(ctx, t); err != nil {
			return err
		}
		select {
		case <-c.caughtUp:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	})
}

// complaints are those that no Tolerate covers.
func (c *console) complaints() (left []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, complaint := range c.list {
		if !c.tolerates(complaint) {
			left = append(left, complaint)
		}
	}
	return left
}

func (c *console) tolerates(complaint string) bool {
	for _, text := range c.tolerated {
		if strings.Contains(complaint, text) {
			return true
		}
	}
	return false
}

// Tolerate leaves out complaints that contain text: "status of 409", for a test
// that means to be refused.
func (t *Tab) Tolerate(text string) {
	t.log.mu.Lock()
	defer t.log.mu.Unlock()
	t.log.tolerated = append(t.log.tolerated, text)
}

// Complaints returns what the console has complained about so far and is not tolerated.
func (t *Tab) Complaints() []string {
	t.tb.Helper()
	t.Do(t.log.catchUp())
	return t.log.complaints()
}
