package browsertest

import (
	"context"
	"encoding/json"
	"fmt"
	"regexp"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
)

// Tab is one tab. Its methods fail the test if a step fails; they must be called on
// the test's goroutine. When the test ends, the tab is closed, and the test fails if
// the console has errors.
type Tab struct {
	tb   testing.TB
	ctx  context.Context //nolint:containedctx // chromedp keeps the tab in it
	view View
	log  *console
}

// Tab opens a tab with its own, empty cookies and storage.
func (b *Browser) Tab(tb testing.TB, v View) *Tab {
	tb.Helper()
	return open(b.ctx, tb, v, chromedp.WithNewBrowserContext())
}

// Sibling opens another tab that shares cookies and storage.
func (t *Tab) Sibling(v View) *Tab {
	t.tb.Helper()
	same := chromedp.FromContext(t.ctx).BrowserContextID
	return open(t.ctx, t.tb, v, chromedp.WithExistingBrowserContext(same))
}

func open(in context.Context, tb testing.TB, v View, how chromedp.ContextOption) *Tab {
	tb.Helper()
	ctx, cancel := chromedp.NewContext(in, how)
	t := &Tab{tb: tb, ctx: ctx, view: v.withDefaults()}
	tb.Cleanup(cancel)
	agent, err := chromedp.Run(ctx, chromedp.Evaluate[string]("navigator.userAgent"))
	if err != nil {
		tb.Fatalf("browsertest: no tab: %v", err)
	}
	t.log = listen(ctx)
	tb.Cleanup(t.close)
	t.Do(t.view.actions(agent)...)
	return t
}

// close checks the console and closes the tab.
func (t *Tab) close() {
	t.tb.Helper()
	if err := t.run(t.log.flush()); err != nil {
		t.tb.Errorf("browsertest: the tab ended before the test: %v", err)
	}
	for _, message := range t.log.errors() {
		t.tb.Errorf("browsertest: an error in the console: %s", message)
	}
	if err := chromedp.Cancel(t.ctx); err != nil {
		t.tb.Errorf("browsertest: closing a tab: %v", err)
	}
}

func (t *Tab) run(actions ...chromedp.Action[chromedp.Void]) error {
	ctx, cancel := context.WithTimeout(t.ctx, stepTimeout)
	defer cancel()
	return chromedp.Do(ctx, actions...)
}

// Do runs actions of chromedp.
func (t *Tab) Do(actions ...chromedp.Action[chromedp.Void]) {
	t.tb.Helper()
	if err := t.run(actions...); err != nil {
		t.tb.Fatalf("browsertest: %v", err)
	}
}

// Open loads a URL and waits for it.
func (t *Tab) Open(url string) {
	t.tb.Helper()
	t.Do(chromedp.Navigate(url))
}

// Reload reloads the page and waits for it.
func (t *Tab) Reload() {
	t.tb.Helper()
	t.Do(chromedp.Reload())
}

// Eval returns the value of a JavaScript expression; it awaits a promise.
func Eval[T any](t *Tab, expression string) T {
	t.tb.Helper()
	ctx, cancel := context.WithTimeout(t.ctx, stepTimeout)
	defer cancel()
	v, err := chromedp.Run(ctx, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
	if err != nil {
		t.tb.Fatalf("browsertest: %s: %v", truncate(expression), err)
	}
	return v
}

// WaitFor waits until a JavaScript expression is truthy. The page may navigate
// meanwhile.
func (t *Tab) WaitFor(expression string) {
	t.tb.Helper()
	ctx, cancel := context.WithTimeout(t.ctx, stepTimeout)
	defer cancel()
	wait := chromedp.Poll[bool]("!!("+expression+")", chromedp.WithPollingTimeout(stepTimeout))
	_, err := chromedp.Run(ctx, wait)
	for err != nil && navigated.MatchString(err.Error()) {
		_, err = chromedp.Run(ctx, wait)
	}
	if err != nil {
		t.Screenshot("failed-" + t.tb.Name())
		t.tb.Fatalf("browsertest: %s did not become true: %v; the text of the page:\n%s", truncate(expression), err,
			Eval[string](t, "document.body?.innerText ?? ''"))
	}
}

// navigated matches Chromium's errors for a page that navigated before, during or at
// the end of an evaluation.
var navigated = regexp.MustCompile("context with specified id|Execution context was destroyed|Inspected target navigated or closed")

// WaitForText waits until the page's visible text contains text.
func (t *Tab) WaitForText(text string) {
	t.tb.Helper()
	t.WaitFor(fmt.Sprintf("document.body?.innerText.includes(%s)", quote(text)))
}

// Text returns the visible text of the first element of a selector.
func (t *Tab) Text(selector string) string {
	t.tb.Helper()
	return Eval[string](t, fmt.Sprintf("document.querySelector(%s).innerText", quote(selector)))
}

// command returns an action that sends a command of the DevTools protocol.
func command[P, R any](c cdp.Command[P, R], params P) chromedp.Action[chromedp.Void] {
	return chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, c, params)
		return err
	})
}

// BringToFront activates this tab; the others are then in the background.
func (t *Tab) BringToFront() {
	t.tb.Helper()
	t.Do(command(page.BringToFront, cdp.Empty{}))
}

func quote(s string) string {
	text, _ := json.Marshal(s) // never fails for a string
	return string(text)
}

// truncate shortens a text for a message.
func truncate(s string) string {
	const most = 200
	if len(s) > most {
		return s[:most] + "…"
	}
	return s
}
