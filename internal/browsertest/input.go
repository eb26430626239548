package browsertest

import (
	"context"
	"fmt"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// Keys for Press.
const (
	Enter     = kb.Enter
	TabKey    = kb.Tab
	Escape    = kb.Escape
	ArrowLeft = kb.ArrowLeft
	Space     = " "
)

// Click clicks the centre of the first element of a CSS selector, once it is
// visible, with mouse events.
func (t *Tab) Click(selector string) {
	t.tb.Helper()
	t.Do(chromedp.Click(chromedp.CSS(selector)))
}

// Follow clicks a link and waits until its page is loaded.
func (t *Tab) Follow(selector string) {
	t.tb.Helper()
	ctx, cancel := context.WithTimeout(t.ctx, stepTimeout)
	defer cancel()
	if _, err := chromedp.RunResponse(ctx, chromedp.Click(chromedp.CSS(selector))); err != nil {
		t.tb.Fatalf("browsertest: following %s: %v", selector, err)
	}
}

// DoubleClick clicks twice in one place. It does not wait for the effect of the first
// click.
func (t *Tab) DoubleClick(selector string) {
	t.tb.Helper()
	t.Do(chromedp.ScrollIntoView(chromedp.CSS(selector)))
	at := Eval[[]float64](t, fmt.Sprintf(
		"(r => [r.x + r.width / 2, r.y + r.height / 2])(document.querySelector(%s).getBoundingClientRect())", quote(selector)))
	t.Do(
		chromedp.MouseClickXY(at[0], at[1], chromedp.ClickCount(1)),
		chromedp.MouseClickXY(at[0], at[1], chromedp.ClickCount(2)),
	)
}

// Type focuses the element and types text after its present value.
func (t *Tab) Type(selector, text string) {
	t.tb.Helper()
	t.Do(chromedp.SendKeys(chromedp.CSS(selector), text))
}

// Press presses keys at the present focus.
func (t *Tab) Press(keys string) {
	t.tb.Helper()
	t.Do(chromedp.KeyEvent(keys))
}

// PressShift presses keys with the shift key held.
func (t *Tab) PressShift(keys string) {
	t.tb.Helper()
	t.Do(chromedp.KeyEvent(keys, chromedp.KeyModifiers(chromedp.ModifierShift)))
}
