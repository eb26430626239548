package main

import (
	"bytes"
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/carrierfsm/carrierfsm"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// runProgram runs the program and returns its exit code and output.
func runProgram(ctx context.Context, in string, args ...string) (code int, out, errs string) {
	var o, e bytes.Buffer
	code = run(ctx, args, strings.NewReader(in), &o, &e)
	return code, o.String(), e.String()
}

func TestEachCarrierEnds(t *testing.T) {
	t.Parallel()
	failed := map[string]bool{"weak": true, "unreal": true, "offline": true}
	for carrier, want := range map[string]string{
		"plain":           "Done: 138****8000 of 江苏移动 is verified.",
		"unicom":          "Done: 138****8001 of 中国联通 is verified.",
		"beijing":         "Done: 138****8002 of 北京移动 is verified.",
		"sichuan":         "Done: 138****8003 of 四川移动 is verified.",
		"jilin":           "Done: 138****8004 of 吉林电信 is verified.",
		"reissue":         "Done: 138****8005 of 浙江移动 is verified.",
		"weak":            "Failed: the password is too weak, and can't be reset here.",
		"weak-resettable": "Done: 138****8007 of 上海移动 is verified.",
		"reset-by-sms":    "Done: 138****8013 of 湖北移动 is verified.",
		"unreal":          "Failed: the operator ended it.",
		"offline":         "Failed: this operator is not served at present.",
		"two-sources":     "Done: 138****8010 of 安徽电信 is verified.",
		"second-source":   "Done: 138****8011 of 安徽电信 is verified.",
		"no-report":       "Done: 138****8012 of 湖南移动 is verified.",
	} {
		t.Run(carrier, func(t *testing.T) {
			t.Parallel()
			code, out, errs := runProgram(context.Background(), "", "-carrier", carrier)
			wantCode := 0
			if failed[carrier] {
				wantCode = 3
			}
			require.Equal(t, wantCode, code, errs)
			require.Empty(t, errs, "what was printed is not an error of the program")
			require.Contains(t, out, want)
			require.Regexp(t, `until \d\d:\d\d:\d\d \(UTC[+-]\d\d:\d\d\), attempts left: 3`, out)
			require.Regexp(t, `History of [-0-9a-f]+, times in UTC[+-]\d\d:\d\d\n`, out)
			for line := range strings.SplitSeq(out, "\n") {
				require.LessOrEqual(t, columns(line), lineWidth, line)
			}
			require.Contains(t, out, "History of ")
			require.NotContains(t, out, "\x1b[", "no colours without a terminal")
			for _, secret := range []string{"246810", "135790", "864200", "975318"} {
				require.NotContains(t, out, secret)
			}
		})
	}
	require.Len(t, carrierNames(), 14, "every carrier is in the table above")
}

func TestAWeakPasswordIsReset(t *testing.T) {
	t.Parallel()
	for _, carrier := range []string{"weak-resettable", "reset-by-sms"} {
		_, out, _ := runProgram(context.Background(), "", "-carrier", carrier)
		for _, line := range []string{
			"the password is too weak and has to be reset", "→ request_reset", "The code for the password reset", "→ reset_captcha",
			"awaiting_captcha → awaiting_password: the password was reset",
		} {
			require.Contains(t, out, line, carrier)
		}
	}
}

func TestASourceIsSkipped(t *testing.T) {
	t.Parallel()
	code, out, errs := runProgram(context.Background(), "", "-carrier", "two-sources", "-skip")
	require.Zero(t, code, errs)
	require.Contains(t, out, "→ skip_source\nawaiting_password → applied: this source is completed, the next one begins")
	require.Contains(t, out, "of 安徽电信 is verified.")
	_, out, _ = runProgram(context.Background(), "", "-skip")
	require.Contains(t, out, "→ skip_source\nawaiting_password → done")
}

func TestEveryEventAndPromptHasAText(t *testing.T) {
	t.Parallel()
	for _, e := range carrierfsm.Edges() {
		require.NotEmpty(t, eventTexts[e.Event], e.Event)
	}
	for _, k := range carrierfsm.PromptKinds() {
		require.NotEmpty(t, promptTexts[k], k)
	}
}

func TestNoFaultKeepsItFromItsEnd(t *testing.T) {
	t.Parallel()
	for _, fault := range faultNames() {
		t.Run(fault, func(t *testing.T) {
			t.Parallel()
			code, out, errs := runProgram(context.Background(), "", "-fault", fault)
			require.Zero(t, code, errs)
			require.Contains(t, out, "awaiting_password again: ", "the person is asked again")
			require.Contains(t, out, "Done: ")
		})
	}
}

func TestAnInvalidArgumentIsReportedInOneLine(t *testing.T) {
	t.Parallel()
	notAFolder := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(notAFolder, nil, 0o600))
	garbage := filepath.Join(t.TempDir(), "garbage.db")
	require.NoError(t, os.WriteFile(garbage, []byte(strings.Repeat("no database ", 1000)), 0o600))
	for rule, args := range map[string][]string{
		"an unknown flag":               {"-colour"},
		"a flag without its value":      {"-db"},
		"an argument too many":          {"plain"},
		"an unknown carrier":            {"-carrier", "unknown"},
		"an unknown fault":              {"-fault", "unknown"},
		"an id without a file":          {"-id", "demo"},
		"an empty id":                   {"-id", "", "-db", filepath.Join(t.TempDir(), "x.db")},
		"an id with a space":            {"-id", "a b", "-db", filepath.Join(t.TempDir(), "x.db")},
		"a folder that does not exist":  {"-db", filepath.Join(t.TempDir(), "no", "such", "folder.db")},
		"a file in place of a folder":   {"-db", filepath.Join(notAFolder, "x.db")},
		"a folder in place of a file":   {"-db", t.TempDir()},
		"a file that is not a database": {"-db", garbage},
	} {
		code, out, errs := runProgram(context.Background(), "", args...)
		require.Equal(t, 2, code, rule)
		require.Empty(t, out, rule)
		require.Equal(t, 1, strings.Count(errs, "\n"), "%s: %q", rule, errs)
		require.True(t, strings.HasPrefix(errs, "quickstart: "), rule)
	}
	code, out, _ := runProgram(context.Background(), "", "-h")
	require.Zero(t, code)
	require.Contains(t, out, "-interactive")
	for line := range strings.SplitSeq(strings.ReplaceAll(out, "    \t", "        "), "\n") {
		require.LessOrEqual(t, columns(line), lineWidth, line)
	}
	_, _, errs := runProgram(context.Background(), "", "-id", "a b", "-db", filepath.Join(t.TempDir(), "x.db"))
	require.Equal(t, `quickstart: -id "a b": carrierfsm: invalid input: the id is not 1 to 128 bytes of printable ASCII without spaces`+"\n", errs)
}

func TestTextsAreWrapped(t *testing.T) {
	t.Parallel()
	for text, want := range map[string][]string{
		"":                         {""},
		"one":                      {"one"},
		"  one two three":          {"  one two", "  three"},
		"a word-that-is-too-long":  {"a", "word-that-is-too-long"},
		"0123456789 x":             {"0123456789", "x"},
		"says: 简单密码无法登录":           {"says: 简单", "密码无法登", "录"},
		"  1  10:42  created  x y": {"  1  10:42", "  created", "  x y"},
	} {
		require.Equal(t, want, wrap(text, 10), text)
	}
}

func TestInteractiveModeReadsAnswersFromTheTerminal(t *testing.T) {
	t.Parallel()
	_, out, _ := runProgram(context.Background(), "000000\n246810\n", "-interactive", "-carrier", "unicom")
	require.Contains(t, out, "the password was wrong")
	require.Contains(t, out, "Done: ")
	_, out, _ = runProgram(context.Background(), "246810\n\n975318\n975318\n", "-interactive", "-carrier", "weak-resettable")
	require.Contains(t, out, "a new password of 6 to 8 digits (not shown): ")
	code, _, errs := runProgram(context.Background(), "", "-interactive")
	require.Equal(t, 1, code, "the input ended")
	require.Equal(t, "quickstart: EOF\n", errs)
}

func TestWhatIsPastedIntoTheTerminalIsRead(t *testing.T) {
	t.Parallel()
	pasted := "246810\n【江苏移动】请勿泄露\n【江苏移动】验证码：500001（5分钟内有效），序列：500002\n 验证码：５００００１（5分钟内有效）\n"
	_, out, _ := runProgram(context.Background(), pasted, "-interactive", "-carrier", "plain")
	require.Equal(t, 2, strings.Count(out, "✗ There is no code in that, or more than one number."))
	require.Equal(t, 1, strings.Count(out, "again: the code was wrong"), "the last one was sent")
	_, out, _ = runProgram(context.Background(), " 246810\n246810\n", "-interactive", "-carrier", "unicom")
	require.Contains(t, out, "the password was wrong", "a password counts with its spaces")
	require.Contains(t, out, "Done: ")
}

// The run is interrupted after each line of its output, and resumed.
func TestAnInterruptedRunResumes(t *testing.T) {
	t.Parallel()
	for _, carrier := range []string{"beijing", "reset-by-sms"} {
		t.Run(carrier, func(t *testing.T) {
			t.Parallel()
			_, whole, _ := runProgram(context.Background(), "", "-carrier", carrier)
			lines := strings.Split(strings.TrimSpace(whole), "\n")
			for n := 1; n < len(lines); n++ {
				interruptAndResume(t, n, carrier)
			}
		})
	}
}

// The printed command goes on with all options that still matter, also for a path
// with spaces.
func TestTheCommandThatResumesHasTheOptionsOfTheRun(t *testing.T) {
	t.Parallel()
	db := filepath.Join(t.TempDir(), "a person's.db")
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	out := &interrupter{after: 1, cancel: cancel}
	args := []string{"-carrier", "two-sources", "-skip", "-interactive", "-fault", faultNames()[0], "-db", db, "-id", "demo"}
	var errs bytes.Buffer
	require.Zero(t, run(ctx, args, strings.NewReader(""), out, &errs), errs.String())
	quoted := "'" + strings.ReplaceAll(db, "'", `'\''`) + "'"
	require.Contains(t, out.text.String(), "Resume with:\ngo run ./examples/quickstart -carrier two-sources -db "+quoted+" -id demo -interactive -skip\n")
}

func interruptAndResume(t *testing.T, n int, carrier string) {
	t.Helper()
	db := filepath.Join(t.TempDir(), "demo.db")
	args := []string{"-carrier", carrier, "-db", db, "-id", "demo"}
	ctx, cancel := context.WithCancel(context.Background())
	out := &interrupter{after: n, cancel: cancel}
	require.Zero(t, run(ctx, args, strings.NewReader(""), out, io.Discard), "line %d", n)
	cancel()
	code, again, errs := runProgram(context.Background(), "", args...)
	require.Zero(t, code, "line %d: %s", n, errs)
	require.Contains(t, again, "Done: ", "line %d: %s", n, again)
	require.NotContains(t, again, "resumes in done, step 0")
	code, third, _ := runProgram(context.Background(), "", args...)
	require.Zero(t, code)
	require.Contains(t, third, "resumes in done")
	saved, err := os.ReadFile(db + ".simulator.json")
	require.NoError(t, err)
	require.NotContains(t, string(saved), "246810")
}

// interrupter interrupts the program after a number of lines.
type interrupter struct {
	mu     sync.Mutex
	after  int
	cancel func()
	text   bytes.Buffer
}

func (i *interrupter) Write(b []byte) (int, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.after -= bytes.Count(b, []byte("\n")); i.after <= 0 {
		i.cancel()
	}
	return i.text.Write(b)
}
