package main

import (
	"fmt"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm/internal/browsertest"
	"github.com/carrierfsm/carrierfsm/upstream/simulator"
)

// visitor is a person in front of a browser. What they do follows from what
// the page shows, and from nothing else.
type visitor struct {
	*browsertest.Tab
	t    *testing.T
	w    *world
	self simulator.Person
	view browsertest.View
}

// visit opens the page and waits until it asks something.
func visit(t *testing.T, r *running, w *world, carrier string, v browsertest.View) *visitor {
	t.Helper()
	p := &visitor{Tab: browser.Tab(t, v), t: t, w: w, self: customer(t, carrier), view: v}
	p.Open(r.url)
	p.settled()
	return p
}

// settled waits until the page has something to show that is not under way.
func (p *visitor) settled() {
	p.t.Helper()
	p.WaitFor("['ask','done','failed'].includes(document.getElementById('screen').className)")
}

// sees waits for a screen with this title and looks at it.
func (p *visitor) sees(title string) {
	p.t.Helper()
	p.WaitFor(fmt.Sprintf("document.getElementById('title').textContent === %q && !document.querySelector('.sending')", title))
	p.settled()
	p.inspect(title)
}

// inspected are the screens that axe has seen, by language and title.
var inspected sync.Map

// inspect holds what is true of every screen: nothing sticks out to the right,
// and the first of each kind is accessible.
func (p *visitor) inspect(title string) {
	p.t.Helper()
	wide := browsertest.Eval[int](p.Tab, "document.documentElement.scrollWidth - document.documentElement.clientWidth")
	require.LessOrEqual(p.t, wide, 0, "the page scrolls sideways")
	name := fmt.Sprintf("%s-%s-%s", p.t.Name(), p.lang(), title)
	p.Screenshot(name)
	if _, before := inspected.LoadOrStore(p.lang()+title+p.why(), true); !before {
		p.Accessible()
	}
}

func (p *visitor) lang() string {
	return browsertest.Eval[string](p.Tab, "document.documentElement.lang")
}

// title, why and field are what the screen shows now; field is the name of the first.
func (p *visitor) title() string { return p.Text("#title") }

func (p *visitor) why() string {
	return browsertest.Eval[string](p.Tab, "document.getElementById('why')?.textContent ?? ''")
}

func (p *visitor) field() string {
	return browsertest.Eval[string](p.Tab, "document.querySelector('#screen form input')?.name ?? ''")
}

// apply fills in the form and sends it.
func (p *visitor) apply() {
	p.t.Helper()
	p.fillApplication()
	p.Click("#screen form button.main")
}

func (p *visitor) fillApplication() {
	p.t.Helper()
	p.Type("input[name=name]", p.self.Name)
	p.Type("input[name=id_card]", p.self.IDCard)
	p.Type("input[name=phone]", p.self.Phone)
	p.Click("input[name=consent]")
}

// enter types into a field and sends the form.
func (p *visitor) enter(field, value string) {
	p.t.Helper()
	p.Type("input[name="+field+"]", value)
	p.Click("#screen form button.main")
}

// press presses the button beside the form for an input.
func (p *visitor) press(input string) {
	p.t.Helper()
	p.Click("button[data-input=" + input + "]:not([disabled])")
}

// focused is the name or id of what has the focus.
func (p *visitor) focused() string {
	return browsertest.Eval[string](p.Tab, "document.activeElement.name || document.activeElement.id || document.activeElement.tagName")
}
