package fsmtest_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/carrierfsm/carrierfsm/fsmtest"
)

// The story of a person who mistypes the code. In a host it is a file,
// testdata/mistyped_code.txt, written with rewrite and read by its reviewers.
const mistypedCode = `# A wrong code is asked for again, and the right one is the end.
> apply
  created → applied: application_accepted
  applied → awaiting_password: password_requested
  asks for password at step 2 because of password_requested, 2 left, for 10m0s
> upstream 10002 10004 10008
> password 246810
  awaiting_password → awaiting_captcha: captcha_requested
  asks for captcha at step 3 because of captcha_requested, 3 left, for 5m0s, resend in 1m0s, 3 left
> captcha 500001
  awaiting_captcha → awaiting_captcha: captcha_rejected
  asks for captcha at step 4 because of captcha_rejected, 2 left, for 5m0s, resend in 1m0s, 3 left
> captcha 500002
  awaiting_captcha → done: collection_started
  done at step 5: collection_started
`

// A story is a text file of inputs, upstream's answers, and what comes of them.
// RunStories compares the output with the files of a folder, or rewrites them.
func ExampleRunStories() {
	passed := passes(func(t *testing.T) {
		dir := t.TempDir() // a host names its own folder, "testdata"
		if err := os.WriteFile(filepath.Join(dir, "mistyped_code.txt"), []byte(mistypedCode), 0o600); err != nil {
			t.Fatal(err)
		}
		fsmtest.RunStories(t, dir, false)
	})
	fmt.Println("passed:", passed)
	// Output: passed: true
}
