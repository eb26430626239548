package main_test

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestTheGuideNamesEachSubcommandVariableAndExitCode(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../docs/command.md")
	require.NoError(t, err)
	guide := string(text)
	c := newCommand(t)
	for _, name := range subcommands(t, c) {
		require.Regexp(t, `carrierfsm `+name+`\b|`+"`"+name+`\b`, guide)
	}
	help := c.runWith("", "help").out
	for _, name := range regexp.MustCompile(`CARRIERFSM_\w+`).FindAllString(help, -1) {
		require.Contains(t, guide, "`"+name+"`")
	}
	codes := regexp.MustCompile(`(?m)^\| (\d) \|`).FindAllStringSubmatch(guide, -1)
	require.Len(t, codes, 6)
	_, list, _ := strings.Cut(help, "exit codes: ")
	for _, code := range codes {
		require.Contains(t, list, code[1]+" ")
	}
}

// Each command of the guide is one that the program takes.
func TestTheCommandsOfTheGuideParse(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../docs/command.md")
	require.NoError(t, err)
	c := newCommand(t)
	n := 0
	for _, m := range regexp.MustCompile("(?m)^carrierfsm ([^#\n]+)|`carrierfsm ([^`]+)`").FindAllStringSubmatch(string(text), -1) {
		words := strings.Fields(m[1] + m[2])
		if words[0] == "completion" || words[0] == "simulator" || words[0] == "migrate" && words[1] == "print" {
			continue // need no store
		}
		r := c.runWith("13800138001", words...)
		require.Equal(t, 2, r.code, "%q: %s", words, r.err)
		require.Regexp(t, `which store\?|who acts\?|why\?|the host's secret`, r.err, "%q", words)
		n++
	}
	require.Greater(t, n, 10)
}
