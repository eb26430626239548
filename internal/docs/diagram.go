package docs

import (
	"fmt"
	"slices"
	"strings"

	"github.com/carrierfsm/carrierfsm"
)

// Mermaid draws the transition table as a Mermaid state diagram, with one arrow
// for all events between two states.
func Mermaid() string { return mermaid(carrierfsm.Edges()) }

// MermaidOutline draws the edges that carry a verification on: without the
// events that ask the person again, and without those that end it in failed.
func MermaidOutline() string {
	return mermaid(slices.DeleteFunc(carrierfsm.Edges(), func(e carrierfsm.Edge) bool {
		return e.From == e.To || e.To == carrierfsm.Failed
	}))
}

func mermaid(edges []carrierfsm.Edge) string {
	var b strings.Builder
	b.WriteString("stateDiagram-v2\n")
	fmt.Fprintf(&b, "    [*] --> %s\n", carrierfsm.Created)
	for _, a := range arrows(edges) {
		fmt.Fprintf(&b, "    %s --> %s: %s\n", a.from, a.to, strings.Join(a.events, "<br>"))
	}
	for _, s := range carrierfsm.States() {
		if s.Terminal() {
			fmt.Fprintf(&b, "    %s --> [*]\n", s)
		}
	}
	return b.String()
}

// arrow is all events that lead from one state to another.
type arrow struct {
	from, to carrierfsm.State
	events   []string
}

// arrows gathers edges by their ends, in the order of the states.
func arrows(edges []carrierfsm.Edge) (list []arrow) {
	for _, from := range carrierfsm.States() {
		for _, to := range carrierfsm.States() {
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
