package browsertest

import (
	"errors"
	"fmt"
	"os"
	"sync"
	"testing"
)

// requiredVariable is the environment variable that makes a missing browser, or a
// missing axe, a failure.
const requiredVariable = "CARRIERFSM_BROWSER"

func required() bool { return os.Getenv(requiredVariable) == "required" }

// Shared is one browser for all tests of a package, started by the first test that
// uses it. The zero value is ready. Tests are isolated by tabs: each has its own
// cookies and storage.
type Shared struct {
	once    sync.Once
	browser *Browser
	err     error
}

// Browser returns the browser. If Chromium is not installed, the test is skipped;
// with CARRIERFSM_BROWSER=required it fails.
func (s *Shared) Browser(tb testing.TB) *Browser {
	tb.Helper()
	s.once.Do(func() { s.browser, s.err = Start() })
	switch {
	case errors.Is(s.err, ErrMissing) && !required():
		tb.Skip(s.err)
	case s.err != nil:
		tb.Fatal(s.err)
	}
	return s.browser
}

// Tab opens a tab of the browser: see Browser.Tab.
func (s *Shared) Tab(tb testing.TB, v View) *Tab {
	tb.Helper()
	return s.Browser(tb).Tab(tb, v)
}

// Around wraps m to close the browser after the tests and before a check for leaks:
// goleak.VerifyTestMain(shared.Around(m)).
func (s *Shared) Around(m *testing.M) interface{ Run() int } { return around{s, m} }

type around struct {
	*Shared
	m *testing.M
}

// Run runs the tests and closes the browser; it returns the exit code.
func (a around) Run() int {
	code := a.m.Run()
	if a.browser == nil {
		return code
	}
	if err := a.browser.Close(); err != nil {
		_, _ = fmt.Fprintln(os.Stderr, "browsertest: closing the browser:", err)
		return max(code, 1)
	}
	return code
}
