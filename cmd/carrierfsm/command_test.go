package main_test

import (
	"fmt"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/fsmtest"
)

func TestEachSubcommandOnEachStore(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"look.txt", "act.txt", "acts.txt", "purge.txt", "refused.txt"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			onEachStore(t, func(t *testing.T, p place) {
				fill(t, p)
				newCommand(t, "CARRIERFSM_STORE="+p.spec, "CARRIERFSM_KEY_FILE=keys", "CARRIERFSM_SECRET_FILE=secret").play(name)
			})
		})
	}
}

func TestACancellationWaitsForTheCallUnderWay(t *testing.T) {
	t.Parallel()
	onEachStore(t, func(t *testing.T, p place) {
		held, gate := fsmtest.Held(fsmtest.Code("10002"))
		b := fsmtest.NewWith(t, carrierfsm.Config{Store: p.open(t), Sealer: sealer(t)}, fsmtest.Accept("chinamobilejs"), held)
		b.Must(b.Apply())
		done := make(chan error, 1)
		go func() {
			_, err := b.Password("246810")
			done <- err
		}()
		<-gate.Arrived()
		newCommand(t, "CARRIERFSM_STORE="+p.spec, "CARRIERFSM_KEY_FILE=keys").play("inflight.txt")
		gate.Open()
		require.NoError(t, <-done)
		require.Equal(t, carrierfsm.Canceled, b.Get().Reason)
		history := b.History()
		require.Equal(t, "ann", history[len(history)-1].Detail.By)
	})
}

// subcommands are the names in the command's help.
func subcommands(t *testing.T, c command) (names []string) {
	t.Helper()
	help := c.runWith("", "help")
	require.Equal(t, 0, help.code)
	for _, m := range regexp.MustCompile(`(?m)^  (\S+(?: \S+)?)  +\S`).FindAllStringSubmatch(help.out, -1) {
		names = append(names, m[1])
	}
	require.Greater(t, len(names), 15)
	return names
}

func TestEachSubcommandHasHelpAndRefusesAnUnknownFlag(t *testing.T) {
	t.Parallel()
	c := newCommand(t)
	for _, name := range subcommands(t, c) {
		words := strings.Fields(name)
		help := c.runWith("", append([]string{"help"}, words...)...)
		require.Equal(t, 0, help.code, name)
		require.Contains(t, help.out, "usage: carrierfsm "+name)
		require.Equal(t, help, c.runWith("", append(words, "-h")...), name)
		r := c.runWith("", append(words, "-no-such-flag")...)
		require.Equal(t, 2, r.code, name)
		require.Empty(t, r.out, name)
		require.Contains(t, r.err, "-no-such-flag", name)
	}
	require.Equal(t, 2, c.runWith("").code)
	require.Equal(t, 2, c.runWith("", "help", "unknown").code)
}

func TestFlagsMayStandAnywhere(t *testing.T) {
	t.Parallel()
	onEachStore(t, func(t *testing.T, p place) {
		fill(t, p)
		c := newCommand(t)
		want := c.runWith("", "show", "-by", "ann", "-store", p.spec, "-key-file", "keys", "-o", "json", "v3")
		require.Equal(t, 0, want.code, want.err)
		require.Equal(t, want, c.runWith("", "show", "v3", "-by=ann", "-store="+p.spec, "--key-file=keys", "-o=json"))
		require.Equal(t, want, c.runWith("", "show", "-store", p.spec, "-o", "json", "-key-file", "keys", "-by", "ann", "--", "v3"))
		r := c.runWith("", "show", "-by", "ann", "-store", p.spec, "--", "-o")
		require.Equal(t, 3, r.code, r.err)
	})
}

// completed returns what bash completes a line to, with the script.
func completed(t *testing.T, script string, words ...string) []string {
	t.Helper()
	quoted := make([]string, len(words))
	for i, w := range words {
		quoted[i] = "'" + w + "'"
	}
	program := fmt.Sprintf("%s\nCOMP_WORDS=(carrierfsm %s)\nCOMP_CWORD=%d\n_carrierfsm\nprintf '%%s\\n' \"${COMPREPLY[@]}\"\n", script, strings.Join(quoted, " "), len(words))
	cmd := exec.CommandContext(t.Context(), "bash", "--norc", "--noprofile", "-u")
	cmd.Stdin = strings.NewReader(program)
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, string(out))
	return strings.Fields(string(out))
}

func TestTheShellsCompleteSubcommandsFlagsAndValues(t *testing.T) {
	t.Parallel()
	c := newCommand(t)
	names := subcommands(t, c)
	for shell, check := range map[string][]string{"bash": {"bash", "-n"}, "zsh": {"zsh", "-n"}, "fish": {"fish", "--no-execute"}} {
		script := c.runWith("", "completion", shell)
		require.Equal(t, 0, script.code)
		for _, name := range names {
			for word := range strings.FieldsSeq(name) {
				require.Contains(t, script.out, word, shell)
			}
		}
		if _, err := exec.LookPath(check[0]); err != nil && shell != "bash" {
			continue // this shell is not installed
		}
		cmd := exec.CommandContext(t.Context(), check[0], check[1:]...)
		cmd.Stdin = strings.NewReader(script.out)
		out, err := cmd.CombinedOutput()
		require.NoError(t, err, string(out))
		require.Empty(t, string(out))
	}
	script := c.runWith("", "completion", "bash").out
	for _, name := range names {
		first, _, _ := strings.Cut(name, " ")
		require.Contains(t, completed(t, script, first[:2]), first)
	}
	require.Equal(t, []string{"up", "status", "print"}, completed(t, script, "migrate", ""))
	require.Equal(t, []string{"text", "json"}, completed(t, script, "list", "-o", ""))
	require.Equal(t, []string{"done"}, completed(t, script, "list", "-state", "d"))
	require.Equal(t, []string{"sqlite", "postgres", "-dir", "-from"}, completed(t, script, "migrate", "print", ""))
	require.Equal(t, []string{"zsh"}, completed(t, script, "completion", "z"))
	require.True(t, slices.Contains(completed(t, script, "cancel", "-"), "-by"))
	require.True(t, slices.Contains(completed(t, script, "list", "-"), "-by"))
	require.False(t, slices.Contains(completed(t, script, "list", "-"), "-reason"))
}

func TestAWrongAddressOfTheSimulatorIsAUsageError(t *testing.T) {
	t.Parallel()
	r := newCommand(t).runWith("", "simulator", "serve", "-listen", "nowhere")
	require.Equal(t, 2, r.code)
	require.Contains(t, r.err, "-listen")
}

func TestOldActsArePurgedAndThatIsAnActToo(t *testing.T) {
	t.Parallel()
	onEachStore(t, func(t *testing.T, p place) {
		fill(t, p)
		c := newCommand(t, "CARRIERFSM_STORE="+p.spec, "CARRIERFSM_OPERATOR=ann")
		for range 3 {
			require.Equal(t, 0, c.runWith("", "list").code)
		}
		old := `UPDATE carrierfsm_acts SET at = at - 7200000000`
		if p.name == "postgres" {
			old = `UPDATE carrierfsm_acts SET at = at - interval '2 h'`
		}
		p.exec(t, old)
		require.Equal(t, 0, c.runWith("", "list").code)
		r := c.runWith("", "purge-acts", "-reason", "law", "-before", "90m")
		require.Equal(t, result{"3 acts would be deleted; -yes does it\n", "", 0}, r)
		r = c.runWith("", "purge-acts", "-reason", "law", "-before", "90m", "-yes")
		require.Equal(t, 0, r.code, r.err)
		require.Equal(t, "3 acts deleted\n", r.out)
		list := c.runWith("", "acts").out
		require.Regexp(t, `(?s)ann +purge_acts .* 3 +done +law\n.* ann +list`, list)
		require.Equal(t, 3, strings.Count(list, "\n"), list)
	})
}

func TestWhatCantBeLoggedIsNotDoneAndLooksAreShown(t *testing.T) {
	t.Parallel()
	onEachStore(t, func(t *testing.T, p place) {
		b := fill(t, p)
		refuse := `CREATE TRIGGER refuse BEFORE INSERT ON carrierfsm_acts BEGIN SELECT RAISE(ABORT, 'the disk is full'); END`
		if p.name == "postgres" {
			refuse = `ALTER TABLE carrierfsm_acts ADD CONSTRAINT refuse CHECK (false) NOT VALID`
		}
		p.exec(t, refuse)
		c := newCommand(t, "CARRIERFSM_STORE="+p.spec, "CARRIERFSM_OPERATOR=ann", "CARRIERFSM_KEY_FILE=keys")
		for _, args := range [][]string{
			{"cancel", "v1"},
			{"expire", "v1"},
			{"erase", "-yes", "v1"},
			{"reseal", "v1"},
			{"reseal", "-all", "-yes"},
			{"replay", "-handler", "notify", "v3"},
			{"replay", "-handler", "notify", "-parked", "-yes"},
			{"purge", "-before", "2040-01-01", "-yes"},
			{"purge-acts", "-before", "2h", "-yes"},
			{"after-restore", "-cancel", "-yes"},
		} {
			r := c.runWith("", append(args, "-reason", "why")...)
			require.Equal(t, 1, r.code, "%v: %s", args, r.err)
			require.Contains(t, r.err, "it can't be logged, so it was not done", args)
			require.NotContains(t, r.err, "level=INFO", args)
		}
		require.Equal(t, carrierfsm.AwaitingCaptcha, b.Get().State)
		for _, args := range [][]string{{"show", "v1"}, {"list"}} {
			r := c.runWith("", args...)
			require.Equal(t, 0, r.code, r.err)
			require.Contains(t, r.out, "v1")
			require.Contains(t, r.err, "the look could not be logged")
		}
	})
}
