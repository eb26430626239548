package browsertest

import (
	"fmt"
	"os"
	"strings"
	"sync"
)

// axePath names the file axe.min.js.
const axePath = "CARRIERFSM_AXE"

// axeSource is the text of the file; empty where the environment names none.
var axeSource = sync.OnceValues(func() (string, error) {
	path := os.Getenv(axePath)
	if path == "" {
		return "", nil
	}
	text, err := os.ReadFile(path)
	return string(text), err
})

// finding is one of axe's violations, with the elements that it is about.
type finding struct {
	ID     string   `json:"id"`
	Help   string   `json:"help"`
	Impact string   `json:"impact"`
	Nodes  []string `json:"nodes"`
}

// axeRun asks for all rules of WCAG 2.2 A and AA and for the best practices.
const axeRun = `axe.run(document, {resultTypes: ['violations']}).then(r => r.violations.map(v =>
	({id: v.id, help: v.help, impact: v.impact || '', nodes: v.nodes.map(n => n.html + ' ' + (n.failureSummary || ''))})))`

// Accessible lets axe-core look at the page as it stands and fails the test for
// each violation. Where CARRIERFSM_AXE names no file that is logged and nothing
// is looked at; with CARRIERFSM_BROWSER=required it fails.
func (t *Tab) Accessible() {
	t.tb.Helper()
	source, err := axeSource()
	switch {
	case err != nil:
		t.tb.Fatalf("browsertest: %v", err)
	case source == "" && required():
		t.tb.Fatalf("browsertest: %s names no axe.min.js; npm install axe-core has one", axePath)
	case source == "":
		t.tb.Logf("browsertest: accessibility is not looked at: %s names no axe.min.js; npm install axe-core has one", axePath)
		return
	}
	if !Eval[bool](t, "typeof window.axe === 'object'") {
		Eval[bool](t, source+"\n;true")
	}
	for _, f := range Eval[[]finding](t, axeRun) {
		t.tb.Errorf("browsertest: not accessible: %s", f)
	}
}

// String tells what is wrong with which elements.
func (f finding) String() string {
	return fmt.Sprintf("%s (%s, %s)\n  %s", f.Help, f.ID, f.Impact, strings.Join(f.Nodes, "\n  "))
}
