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

// Tab is one tab. Its methods fail the test where a step does not succeed; they
// are called by the test's goroutine. When the test ends the tab is closed, and
// the test fails if the console has had something to complain about.
type Tab struct {
	tb   testing.TB
	ctx  context.Context //nolint:containedctx // chromedp keeps the tab in it
	view View
	log  *console
}

// Tab opens a tab with cookies and a storage of its own, as a browser that has
// never been there.
func (b *Browser) Tab(tb testing.TB, v View) *Tab {
	tb.Helper()
	return open(b.ctx, tb, v, chromedp.WithNewBrowserContext())
}

// Sibling opens another tab of the same person: it shares cookies and storage.
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

// close looks at the console and ends the tab.
func (t *Tab) close() {
	t.tb.Helper()
	if err := t.run(t.log.catchUp()); err != nil {
		t.tb.Errorf("browsertest: the tab was gone before its end: %v", err)
	}
	for _, complaint := range t.log.complaints() {
		t.tb.Errorf("browsertest: the console says: %s", complaint)
	}
	if err := chromedp.Cancel(t.ctx); err != nil {
		t.tb.Errorf("browsertest: closing a tab: %v", err)
	}
}

func (t *Tab) run(actions ...chromedp.Action[chromedp.Void]) error {
	ctx, cancel := context.WithTimeout(t.ctx, patience)
	defer cancel()
	return chromedp.Do(ctx, actions...)
}

// Do carries out actions of chromedp.
func (t *Tab) Do(actions ...chromedp.Action[chromedp.Void]) {
	t.tb.Helper()
	if err := t.run(actions...); err != nil {
		t.tb.Fatalf("browsertest: %v", err)
	}
}

// Open goes to an address and waits until it is loaded.
func (t *Tab) Open(url string) {
	t.tb.Helper()
	t.Do(chromedp.Navigate(url))
}

// Reload loads the page again.
func (t *Tab) Reload() {
	t.tb.Helper()
	t.Do(chromedp.Reload())
}

// Eval returns the value of a JavaScript expression; a promise is waited for.
func Eval[T any](t *Tab, expression string) T {
	t.tb.Helper()
	ctx, cancel := context.WithTimeout(t.ctx, patience)
	defer cancel()
	v, err := chromedp.Run(ctx, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
	if err != nil {
		t.tb.Fatalf("browsertest: %s: %v", clip(expression), err)
	}
	return v
}

// WaitFor waits until a JavaScript expression is true or truthy. The page may
// be loaded anew meanwhile.
func (t *Tab) WaitFor(expression string) {
	t.tb.Helper()
	ctx, cancel := context.WithTimeout(t.ctx, patience)
	defer cancel()
	wait := chromedp.Poll[bool]("!!("+expression+")", chromedp.WithPollingTimeout(patience))
	_, err := chromedp.Run(ctx, wait)
	for err != nil && wentAway.MatchString(err.Error()) {
		_, err = chromedp.Run(ctx, wait)
	}
	if err != nil {
		t.Screenshot("failed-" + t.tb.Name())
		t.tb.Fatalf("browsertest: never came true: %s: %v; the page says:\n%s", clip(expression), err,
			Eval[string](t, "document.body?.innerText ?? ''"))
	}
}

// wentAway is what Chromium says when the page went away under an expression:
// it may have gone before, during or at the end of its evaluation.
var wentAway = regexp.MustCompile("context with specified id|Execution context was destroyed|Inspected target navigated or closed")

// WaitForText waits until the page's visible text contains this.
func (t *Tab) WaitForText(text string) {
	t.tb.Helper()
	t.WaitFor(fmt.Sprintf("document.body?.innerText.includes(%s)", quote(text)))
}

// Text returns the visible text of the first element that a selector finds.
func (t *Tab) Text(selector string) string {
	t.tb.Helper()
	return Eval[string](t, fmt.Sprintf("document.querySelector(%s).innerText", quote(selector)))
}

// command is a command of the protocol as an action.
func command[P, R any](c cdp.Command[P, R], params P) chromedp.Action[chromedp.Void] {
	return chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, c, params)
		return err
	})
}

// BringToFront shows this tab; the others are in the background then.
func (t *Tab) BringToFront() {
	t.tb.Helper()
	t.Do(command(page.BringToFront, cdp.Empty{}))
}

func quote(s string) string {
	text, _ := json.Marshal(s) // of a string, never fails
	return string(text)
}

// clip shortens what goes into a message.
func clip(s string) string {
	const most = 200
	if len(s) > most {
		return s[:most] + "…"
	}
	return s
}
