// Package docs renders the tables of carrierfsm as documents, so that the
// documents can't disagree with the code.
package docs

import (
	"errors"
	"fmt"
	"strings"

	"github.com/carrierfsm/carrierfsm"
)

// Generated returns the generated documents by their path from the module's root.
func Generated() map[string]string {
	return map[string]string{
		"docs/states.md":        states(),
		"docs/process-codes.md": codes(),
	}
}

const generated = "<!-- Generated from the tables by go generate; do not edit. -->\n\n"

// The marks between which the README keeps the picture.
const (
	pictureBegin = "<!-- picture: made by go generate -->\n"
	pictureEnd   = "<!-- end of picture -->\n"
)

// WithPicture puts the picture of the transition table between its marks.
func WithPicture(readme string) (string, error) {
	head, rest, found := strings.Cut(readme, pictureBegin)
	_, tail, found2 := strings.Cut(rest, pictureEnd)
	if !found || !found2 {
		return "", errors.New("the README has no marks for the picture")
	}
	return head + pictureBegin + fence("mermaid", carrierfsm.MermaidOutline()) + pictureEnd + tail, nil
}

func fence(language, text string) string { return "```" + language + "\n" + text + "```\n" }

func states() string {
	var b strings.Builder
	b.WriteString("# States and events\n\n" + generated)
	b.WriteString("What carries a verification on:\n\n" + fence("mermaid", carrierfsm.MermaidOutline()))
	b.WriteString("\nThe whole table. An arrow to the same state asks the person again; `done` and `failed` are the ends.\n\n")
	b.WriteString(fence("mermaid", carrierfsm.Mermaid()))
	b.WriteString("\n| event | from | to |\n|---|---|---|\n")
	for _, e := range carrierfsm.Edges() {
		fmt.Fprintf(&b, "| `%s` | `%s` | %s |\n", e.Event, e.From, target(e.To))
	}
	b.WriteString("\nThe same for Graphviz:\n\n" + fence("dot", carrierfsm.Graphviz()))
	return b.String()
}

func target(s carrierfsm.State) string {
	if s.Terminal() {
		return "`" + string(s) + "` (end)"
	}
	return "`" + string(s) + "`"
}

func codes() string {
	var b strings.Builder
	b.WriteString("# Process codes\n\n" + generated)
	b.WriteString("The reply table: what upstream's reply means. Exactly one row accepts any reply;\n" +
		"a column that a row does not name may hold anything. `(none)` is an absent value,\n" +
		"`(other)` one that no row names.\n\n")
	b.WriteString("| after | when | event | asks for |\n|---|---|---|---|\n")
	for _, r := range carrierfsm.ReplyRules() {
		after, when := split(r.When)
		fmt.Fprintf(&b, "| %s | %s | `%s` | %s |\n", after, when, r.Event, r.Prompt)
	}
	b.WriteString("\nA call without a reply: certainly not sent means `upstream_unavailable`, and the attempt is\n" +
		"given back; everything else means `outcome_unknown`, and the attempt is spent.\n")
	return b.String()
}

// split takes the call out of a rule's conditions and writes the rest for a
// cell of a Markdown table.
func split(conditions []string) (after, when string) {
	var rest []string
	for _, c := range conditions {
		c = strings.ReplaceAll(c, "|", " or ")
		if call, ok := strings.CutPrefix(c, "call="); ok {
			after = call
			continue
		}
		rest = append(rest, strings.Replace(c, "=", " = ", 1))
	}
	return after, strings.Join(rest, "; ")
}
