package carrierfsm

import (
	"fmt"
	"slices"
	"strings"
)

// Mermaid draws the transition table as a Mermaid state diagram, one arrow for
// all events between two states.
func Mermaid() string { return mermaid(Edges()) }

// MermaidOutline draws what carries a verification on: without the events
// that ask the person again, and without those that end it in failed.
func MermaidOutline() string {
	return mermaid(slices.DeleteFunc(Edges(), func(e Edge) bool {
		return e.From == e.To || e.To == Failed
	}))
}

// Graphviz draws the transition table in the DOT language.
func Graphviz() string {
	var b strings.Builder
	b.WriteString("digraph verification {\n\trankdir=LR;\n\tnode [shape=box, style=rounded];\n")
	b.WriteString("\tstart [shape=point];\n\tstart -> " + string(Created) + ";\n")
	for _, s := range States() {
		if s.Terminal() {
			fmt.Fprintf(&b, "\t%s [peripheries=2];\n", s)
		}
	}
	for _, a := range arrows(Edges()) {
		fmt.Fprintf(&b, "\t%s -> %s [label=%q];\n", a.from, a.to, strings.Join(a.events, "\n"))
	}
	b.WriteString("}\n")
	return b.String()
}

func mermaid(edges []Edge) string {
	var b strings.Builder
	b.WriteString("stateDiagram-v2\n")
	fmt.Fprintf(&b, "    [*] --> %s\n", Created)
	for _, a := range arrows(edges) {
		fmt.Fprintf(&b, "    %s --> %s: %s\n", a.from, a.to, strings.Join(a.events, "<br>"))
	}
	for _, s := range States() {
		if s.Terminal() {
			fmt.Fprintf(&b, "    %s --> [*]\n", s)
		}
	}
	return b.String()
}

// arrow is all events that lead from one state to another.
type arrow struct {
	from, to State
	events   []string
}

// arrows gathers edges by their ends, in the order of the states.
func arrows(edges []Edge) (list []arrow) {
	for _, from := range States() {
		for _, to := range States() {
			a := arrow{from: from, to: to}
			for _, e := range edges {
				if e.From == from && e.To == to {
					a.events = append(a.events, string(e.Event))
				}
			}
			if a.events != nil {
				list = append(list, a)
			}
		}
	}
	return list
}
