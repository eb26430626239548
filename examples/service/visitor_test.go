package main

import (
	"fmt"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm/internal/browsertest"
	"github.com/carrierfsm/carrierfsm/upstream/simulator"
)

// visitor is a person at a browser, who acts only on what the page shows.
type visitor struct {
	*browsertest.Tab
	t      *testing.T
	w      *aggregator
	person simulator.Person
	view   browsertest.View
}

// visit opens the page and waits until it shows a screen.
func visit(t *testing.T, r *testService, w *aggregator, carrier string, v browsertest.View) *visitor {
	t.Helper()
	p := &visitor{Tab: browser.Tab(t, v), t: t, w: w, person: personAt(t, carrier), view: v}
	p.Open(r.url)
	p.waitUntilSettled()
	return p
}

// waitUntilSettled waits until the screen is a question or an end.
func (p *visitor) waitUntilSettled() {
	p.t.Helper()
	p.WaitFor("(s => ['ask','done','failed','ended'].includes(s.className) && !s.dataset.screen)(document.getElementById('screen'))")
}

// waitForTitle waits for a screen with this title and inspects it.
func (p *visitor) waitForTitle(title string) {
	p.t.Helper()
	p.WaitFor(fmt.Sprintf("document.getElementById('title').textContent === %q && !document.querySelector('.sending')", title))
	p.waitUntilSettled()
	p.inspect(title)
}

// inspected are the screens that axe has checked, by language, title and reason.
var inspected sync.Map

// inspect checks that the screen does not scroll sideways and, for the first of each
// kind, that it is accessible.
func (p *visitor) inspect(title string) {
	p.t.Helper()
	p.checkWidth("")
	p.checkWidth("200%")
	name := fmt.Sprintf("%s-%s-%s", p.t.Name(), p.lang(), title)
	p.Screenshot(name)
	if _, before := inspected.LoadOrStore(p.lang()+title+p.why(), true); !before {
		p.CheckAccessibility()
	}
}

// checkWidth checks that the page does not scroll sideways, with text of a size.
func (p *visitor) checkWidth(size string) {
	p.t.Helper()
	wide := browsertest.Eval[int](p.Tab, fmt.Sprintf(`(html => {
		html.style.fontSize = %q
		return html.scrollWidth - html.clientWidth
	})(document.documentElement)`, size))
	p.Screenshot(fmt.Sprintf("%s-%s-%s%s", p.t.Name(), p.lang(), p.title(), size))
	browsertest.Eval[string](p.Tab, "document.documentElement.style.fontSize = ''")
	require.LessOrEqual(p.t, wide, 0, "the page scrolls sideways with text of %q", size)
}

func (p *visitor) lang() string {
	return browsertest.Eval[string](p.Tab, "document.documentElement.lang")
}

// title, why and field return the title, the reason and the first field's name.
func (p *visitor) title() string { return p.Text("#title") }

func (p *visitor) why() string {
	return browsertest.Eval[string](p.Tab, "document.getElementById('why')?.textContent ?? ''")
}

func (p *visitor) field() string {
	return browsertest.Eval[string](p.Tab, "document.querySelector('#screen form input')?.name ?? ''")
}

// apply fills in the form and submits it.
func (p *visitor) apply() {
	p.t.Helper()
	p.fillApplication()
	p.Click("#screen form button.main")
}

func (p *visitor) fillApplication() {
	p.t.Helper()
	p.Type("input[name=name]", p.person.Name)
	p.Type("input[name=id_card]", p.person.IDCard)
	p.Type("input[name=phone]", p.person.Phone)
	p.agree()
}

// agree ticks both consents.
func (p *visitor) agree() {
	p.t.Helper()
	p.Click("input[name=consent]")
	p.Click("input[name=sensitive_consent]")
}

// confirm presses the button for an input that asks first, and the answer.
func (p *visitor) confirm(input, answer string) {
	p.t.Helper()
	p.press(input)
	p.WaitFor("document.getElementById('confirm').open")
	p.Click("#confirm button[value=" + answer + "]")
}

// enter types into a field and submits the form.
func (p *visitor) enter(field, value string) {
	p.t.Helper()
	p.Type("input[name="+field+"]", value)
	p.Click("#screen form button.main")
}

// press presses the button for an input.
func (p *visitor) press(input string) {
	p.t.Helper()
	p.Click("button[data-input=" + input + "]:not([disabled])")
}

// focused returns the name or id of the focused element.
func (p *visitor) focused() string {
	return browsertest.Eval[string](p.Tab, "document.activeElement.name || document.activeElement.id || document.activeElement.tagName")
}
