package browsertest

import (
	"context"
	"fmt"
	"strings"
	"sync"

	"github.com/chromedp/chromedp"
)

// console collects the errors in a tab's console: error messages, uncaught
// exceptions, violations of the content security policy, and responses with a status
// of 400 or more.
type console struct {
	mu       sync.Mutex
	messages []string
	ignored  []string
	flushed  chan struct{}
}

// flushMarker is the message that flush writes to the console and waits for.
const flushMarker = "browsertest: flush"

// listen reads the console until ctx ends.
func listen(ctx context.Context) *console {
	c := &console{flushed: make(chan struct{}, 1)}
	messages := chromedp.Console(ctx)
	go func() {
		for m, err := range messages {
			if err != nil {
				return
			}
			c.add(m)
		}
	}()
	return c
}

func (c *console) add(m chromedp.ConsoleMessage) {
	switch {
	case m.Text == flushMarker:
		c.flushed <- struct{}{}
	case m.IsException() || m.Type == chromedp.ConsoleError || m.Source == "security" || m.Source == "violation":
		c.mu.Lock()
		defer c.mu.Unlock()
		c.messages = append(c.messages, fmt.Sprintf("%s (%s:%d)", m, m.URL, m.Line))
	}
}

// flush waits until all messages so far have been read.
func (c *console) flush() chromedp.Action[chromedp.Void] {
	return chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		if _, err := chromedp.Evaluate[bool]("console.debug("+quote(flushMarker)+"), true")(ctx, t); err != nil {
			return err
		}
		select {
		case <-c.flushed:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	})
}

// errors returns the messages that are not ignored.
func (c *console) errors() (list []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, message := range c.messages {
		if !c.ignores(message) {
			list = append(list, message)
		}
	}
	return list
}

func (c *console) ignores(message string) bool {
	for _, text := range c.ignored {
		if strings.Contains(message, text) {
			return true
		}
	}
	return false
}

// IgnoreConsole ignores console errors that contain text, for instance "status of
// 409" in a test of a refusal.
func (t *Tab) IgnoreConsole(text string) {
	t.log.mu.Lock()
	defer t.log.mu.Unlock()
	t.log.ignored = append(t.log.ignored, text)
}

// ConsoleErrors returns the console's errors so far that are not ignored.
func (t *Tab) ConsoleErrors() []string {
	t.tb.Helper()
	t.Do(t.log.flush())
	return t.log.errors()
}
