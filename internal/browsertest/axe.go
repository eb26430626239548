package browsertest

import (
	"fmt"
	"os"
	"strings"
	"sync"
)

// axeVariable is the environment variable with the path of axe.min.js.
const axeVariable = "CARRIERFSM_AXE"

// axeSource returns the content of axe.min.js; empty without the variable.
var axeSource = sync.OnceValues(func() (string, error) {
	path := os.Getenv(axeVariable)
	if path == "" {
		return "", nil
	}
	text, err := os.ReadFile(path)
	return string(text), err
})

// finding is one of axe's violations, with its elements.
type finding struct {
	ID     string   `json:"id"`
	Help   string   `json:"help"`
	Impact string   `json:"impact"`
	Nodes  []string `json:"nodes"`
}

// axeRun runs all rules of WCAG 2.2 A and AA and the best practices.
const axeRun = `axe.run(document, {resultTypes: ['violations']}).then(r => r.violations.map(v =>
	({id: v.id, help: v.help, impact: v.impact || '', nodes: v.nodes.map(n => n.html + ' ' + (n.failureSummary || ''))})))`

// CheckAccessibility runs axe-core on the page and fails the test for each
// violation. If CARRIERFSM_AXE is not set, it only logs that; with
// CARRIERFSM_BROWSER=required it fails.
func (t *Tab) CheckAccessibility() {
	t.tb.Helper()
	source, err := axeSource()
	switch {
	case err != nil:
		t.tb.Fatalf("browsertest: %v", err)
	case source == "" && required():
		t.tb.Fatalf("browsertest: %s names no axe.min.js; npm install axe-core has one", axeVariable)
	case source == "":
		t.tb.Logf("browsertest: accessibility is not checked: %s names no axe.min.js; npm install axe-core has one", axeVariable)
		return
	}
	if !Eval[bool](t, "typeof window.axe === 'object'") {
		Eval[bool](t, source+"\n;true")
	}
	for _, f := range Eval[[]finding](t, axeRun) {
		t.tb.Errorf("browsertest: not accessible: %s", f)
	}
}

// String formats the violation with its elements.
func (f finding) String() string {
	return fmt.Sprintf("%s (%s, %s)\n  %s", f.Help, f.ID, f.Impact, strings.Join(f.Nodes, "\n  "))
}
