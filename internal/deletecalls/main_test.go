//go:build unix

package main_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	deletecalls "github.com/carrierfsm/carrierfsm/internal/deletecalls"
)

// The package under test: one line for each kind of statement.
const code = `package sum

import "fmt"

var sum int

func add(n int) int { sum += n; return sum }

func Sum() int {
	sum = 0
	add(1)
	defer add(2)
	_ = add(4)
	_ = fmt.Sprint("no test notices this")
	switch v := add(8); {
	case v > 0:
		add(16)
	}
	func() { add(32) }()
	return sum
}

func Must(ok bool) int {
	if ok {
		return 1
	}
	panic("not ok")
}
`

const tests = `package sum

import "testing"

func TestSum(t *testing.T) {
	if got := Sum(); got != 61 {
		t.Fatal(got)
	}
	if sum != 63 {
		t.Fatal(sum)
	}
}
`

func writePackage(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600))
	}
	return dir
}

func TestEachCallWhoseResultIsUnusedIsDeletedOnce(t *testing.T) {
	t.Parallel()
	dir := writePackage(t, map[string]string{"go.mod": "module sum\n\ngo 1.26\n", "sum.go": code, "sum_test.go": tests})
	var out bytes.Buffer
	require.NoError(t, deletecalls.Run(t.Context(), []string{"-workers", "1", dir}, &out))
	require.Empty(t, cmp.Diff(strings.TrimPrefix(`
      KILLED CALL_DELETION at sum.go:11:2
      KILLED CALL_DELETION at sum.go:12:2
      KILLED CALL_DELETION at sum.go:13:2
       LIVED CALL_DELETION at sum.go:14:2
      KILLED CALL_DELETION at sum.go:17:3
      KILLED CALL_DELETION at sum.go:19:2
      KILLED CALL_DELETION at sum.go:19:11
`, "\n"), out.String()))
	text, err := os.ReadFile(filepath.Join(dir, "sum.go"))
	require.NoError(t, err)
	require.Equal(t, code, string(text), "the package is left as it was")
}

func TestACallWithoutWhichTheCompilerRefusesThePackageIsNotTried(t *testing.T) {
	t.Parallel()
	dir := writePackage(t, map[string]string{"go.mod": "module sum\n\ngo 1.26\n", "sum.go": `package sum

import (
	"context"
	"time"
)

func Sum(end func()) int {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	other, stop := context.WithTimeout(ctx, time.Hour)
	defer stop()
	stop()
	alone := 1
	use(alone)
	alone = 2
	end()
	func() { inside := 1; use(inside) }()
	<-other.Done()
	return 1
}

func use(int) {}
`, "sum_test.go": `package sum

import "testing"

func TestSum(t *testing.T) { Sum(func() {}) }
`})
	var out bytes.Buffer
	require.NoError(t, deletecalls.Run(t.Context(), []string{"-workers", "1", "-timeout", "3s", dir}, &out))
	require.Empty(t, cmp.Diff(strings.TrimPrefix(`
  NOT VIABLE CALL_DELETION at sum.go:10:2
       LIVED CALL_DELETION at sum.go:12:2
   TIMED OUT CALL_DELETION at sum.go:13:2
  NOT VIABLE CALL_DELETION at sum.go:15:2
       LIVED CALL_DELETION at sum.go:17:2
       LIVED CALL_DELETION at sum.go:18:2
  NOT VIABLE CALL_DELETION at sum.go:18:24
`, "\n"), out.String()))
}

func TestATestThatHangsIsToldApart(t *testing.T) {
	t.Parallel()
	dir := writePackage(t, map[string]string{
		"go.mod": "module wait\n\ngo 1.26\n",
		"wait.go": `package wait

func Wait() {
	done := make(chan bool)
	go func() {
		close(done)
	}()
	<-done
}
`,
		"wait_test.go": `package wait

import (
	"os/signal"
	"os"
	"testing"
)

func TestWait(t *testing.T) {
	signal.Notify(make(chan os.Signal, 1)) // so that it is no deadlock of all goroutines
	Wait()
}
`,
	})
	var out bytes.Buffer
	require.NoError(t, deletecalls.Run(t.Context(), []string{"-timeout", "3s", dir}, &out))
	require.Equal(t, "   TIMED OUT CALL_DELETION at wait.go:6:3\n", out.String())
}

func TestADryRunListsTheDeletionsOfTheFiles(t *testing.T) {
	t.Parallel()
	const short = "package p\n\nfunc f() { f() }\n"
	dir := writePackage(t, map[string]string{"one.go": short, "two.go": short, "one_test.go": short})
	var out bytes.Buffer
	require.NoError(t, deletecalls.Run(t.Context(), []string{"-dry-run", "-files", "^one", dir}, &out))
	require.Equal(t, "    RUNNABLE CALL_DELETION at one.go:3:12\n", out.String())
}

func TestALimitOfTimeEndsTheRunWithoutAnError(t *testing.T) {
	t.Parallel()
	dir := writePackage(t, map[string]string{"go.mod": "module sum\n\ngo 1.26\n", "sum.go": code, "sum_test.go": tests})
	var out bytes.Buffer
	require.NoError(t, deletecalls.Run(t.Context(), []string{"-limit", "1ns", dir}, &out))
	require.Empty(t, out.String(), "what was not tried has no result")
}

func TestWhatTheTestsOfThePackageDoNotNoticeOthersMay(t *testing.T) {
	t.Parallel()
	dir := writePackage(t, map[string]string{"go.mod": "module sum\n\ngo 1.26\n", "sum.go": `package sum

var N int

func Sum() {
	add()
	add()
	idle()
}

func add() { N++ }

func idle() {}
`, "sum_test.go": `package sum

import "testing"

func TestSum(t *testing.T) {
	if Sum(); N == 0 {
		t.Fatal(N)
	}
}
`})
	whole := filepath.Join(dir, "whole")
	require.NoError(t, os.Mkdir(whole, 0o700))
	require.NoError(t, os.WriteFile(filepath.Join(whole, "whole_test.go"), []byte(`package whole

import (
	"sum"
	"testing"
)

func TestSum(t *testing.T) {
	if sum.Sum(); sum.N != 2 {
		t.Fatal(sum.N)
	}
}
`), 0o600))
	var out bytes.Buffer
	require.NoError(t, deletecalls.Run(t.Context(), []string{"-workers", "1", "-whole", whole, dir}, &out))
	require.Equal(t, strings.TrimPrefix(`
      KILLED CALL_DELETION at sum.go:6:2
      KILLED CALL_DELETION at sum.go:7:2
       LIVED CALL_DELETION at sum.go:8:2
`, "\n"), out.String())
}
