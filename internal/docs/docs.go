// Package docs renders the tables of carrierfsm as documents, so that the
// documents can't disagree with the code.
package docs

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/carrierfsm/carrierfsm"
)

// Generated returns the generated documents by their path from the module's
// root. It reads the meanings of the events from the comments of transitions.go
// there, and returns an error if it can't, or if an event has no comment.
func Generated(root string) (map[string]string, error) {
	meanings, err := meaningsIn(filepath.Join(root, "transitions.go"))
	if err != nil {
		return nil, err
	}
	return map[string]string{
		"docs/states.md":        states(meanings),
		"docs/process-codes.md": codes(),
	}, nil
}

var declared = regexp.MustCompile(`(?m)^\t\w+\s+Event = "(\w+)"\s+// (.+)$`)

// meaningsIn reads the comment of each event.
func meaningsIn(file string) (map[carrierfsm.Event]string, error) {
	source, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	meanings := make(map[carrierfsm.Event]string)
	for _, m := range declared.FindAllStringSubmatch(string(source), -1) {
		meanings[carrierfsm.Event(m[1])] = m[2]
	}
	for _, e := range carrierfsm.Edges() {
		if meanings[e.Event] == "" {
			return nil, fmt.Errorf("%s: %s has no comment", file, e.Event)
		}
	}
	return meanings, nil
}

const generated = "<!-- Generated from the tables by go generate; do not edit. -->\n\n"

// The marks between which the README keeps the picture.
const (
	pictureBegin = "<!-- picture: made by go generate -->\n"
	pictureEnd   = "<!-- end of picture -->\n"
)

// WithPicture replaces the picture of the transition table in a README.
func WithPicture(readme string) (string, error) {
	head, rest, found := strings.Cut(readme, pictureBegin)
	_, tail, found2 := strings.Cut(rest, pictureEnd)
	if !found || !found2 {
		return "", errors.New("the README has no marks for the picture")
	}
	return head + pictureBegin + fence("mermaid", MermaidOutline()) + pictureEnd + tail, nil
}

func fence(language, text string) string { return "```" + language + "\n" + text + "```\n" }

func states(meanings map[carrierfsm.Event]string) string {
	var b strings.Builder
	b.WriteString("# States and events\n\n" + generated)
	b.WriteString("A verification is in one of six states, and an event leads it to the next. These events carry it on:\n\n" +
		fence("mermaid", MermaidOutline()))
	b.WriteString("\nThe whole table. An event that leads to the same state asks the person again. `done` and `failed` are the ends;\n" +
		"what happens there is recorded and changes nothing.\n\n")
	b.WriteString(fence("mermaid", Mermaid()))
	b.WriteString("\nA reason (`Prompt.Reason`, `Verification.Reason`) is the event that led there.\n")
	b.WriteString("\n| event | what happened | from → to |\n|---|---|---|\n")
	for _, event := range eventsInOrder() {
		fmt.Fprintf(&b, "| `%s` | %s | %s |\n", event, meanings[event], ways(event))
	}
	return b.String()
}

// eventsInOrder returns the events in the order of the table.
func eventsInOrder() (events []carrierfsm.Event) {
	for _, e := range carrierfsm.Edges() {
		if !slices.Contains(events, e.Event) {
			events = append(events, e.Event)
		}
	}
	return events
}

// ways lists the edges of an event, a line for each target state.
func ways(event carrierfsm.Event) string {
	var lines []string
	for _, to := range carrierfsm.States() {
		var from []string
		for _, e := range carrierfsm.Edges() {
			if e.Event == event && e.To == to {
				from = append(from, "`"+string(e.From)+"`")
			}
		}
		if from != nil {
			lines = append(lines, strings.Join(from, ", ")+" → `"+string(to)+"`")
		}
	}
	return strings.Join(lines, "<br>")
}

func codes() string {
	var b strings.Builder
	b.WriteString("# Process codes\n\n" + generated)
	b.WriteString("The reply table: upstream's reply → event. Exactly one row accepts each reply. A column that a row does not\n" +
		"name may have any value. `(none)` is an absent value, `(other)` one that no row names.\n\n")
	b.WriteString("| after | when | event | asks for |\n|---|---|---|---|\n")
	for _, r := range carrierfsm.ReplyRules() {
		after, when := split(r.When)
		fmt.Fprintf(&b, "| %s | %s | `%s` | %s |\n", after, when, r.Event, r.Prompt)
	}
	b.WriteString("\nA call without a reply: if certainly nothing was sent, the event is `upstream_unavailable` and the attempt is\n" +
		"given back. In every other case it is `outcome_unknown`, and the attempt is spent.\n")
	return b.String()
}

// split separates the call from the other conditions of a rule, which it writes
// for a cell of a Markdown table.
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
