package console

import (
	"fmt"
	"slices"
	"strings"

	"github.com/carrierfsm/carrierfsm"
)

// diagram is the transition table as a picture, with one verification's way
// through it: the states beside each other in the order of a plain run, and
// failed below all of those from which one can fail.
type diagram struct {
	Width, Height int
	Boxes         []box
	Arrows        []arrow
	// Words is the picture for those who don't see it.
	Words string
}

// box is a state.
type box struct {
	State            carrierfsm.State
	X, Y, W, H       int
	Present, Visited bool
}

// arrow is all events that lead from one state to another, or to itself.
type arrow struct {
	From, To carrierfsm.State
	Events   string // that lead there
	Path     string
	Taken    int // how often
	X, Y     int // where that is written
}

// The measures of the picture.
const (
	boxWidth   = 164
	boxHeight  = 44
	boxStep    = 212
	boxTop     = 112
	failedTop  = 236
	pictureEnd = 290
	margin     = 10
)

func diagramOf(present carrierfsm.State, history []carrierfsm.Transition) diagram {
	d := diagram{Boxes: boxes(), Height: pictureEnd}
	visited := map[carrierfsm.State]bool{carrierfsm.Created: true}
	taken := make(map[[2]carrierfsm.State]int)
	for _, t := range history {
		visited[t.To] = true
		taken[[2]carrierfsm.State{t.From, t.To}]++
	}
	for i := range d.Boxes {
		b := &d.Boxes[i]
		b.Present, b.Visited = b.State == present, visited[b.State]
		d.Width = max(d.Width, b.X+b.W+margin)
	}
	for _, from := range d.Boxes {
		for _, to := range d.Boxes {
			events := eventsBetween(from.State, to.State)
			if len(events) == 0 {
				continue
			}
			a := arrow{From: from.State, To: to.State, Events: strings.Join(events, ", "), Taken: taken[[2]carrierfsm.State{from.State, to.State}]}
			a.Path, a.X, a.Y = line(from, to)
			d.Arrows = append(d.Arrows, a)
		}
	}
	// What was taken is drawn over what was not.
	slices.SortStableFunc(d.Arrows, func(a, b arrow) int { return min(a.Taken, 1) - min(b.Taken, 1) })
	d.Words = inWords(present, d.Boxes)
	return d
}

// boxes are the states at their places.
func boxes() (list []box) {
	running := 0
	for _, s := range carrierfsm.States() {
		if s == carrierfsm.Failed {
			continue
		}
		list = append(list, box{State: s, X: margin + len(list)*boxStep, Y: boxTop, W: boxWidth, H: boxHeight})
		if !s.Terminal() {
			running++
		}
	}
	return append(list, box{State: carrierfsm.Failed, X: margin, Y: failedTop, W: (running-1)*boxStep + boxWidth, H: boxHeight})
}

func eventsBetween(from, to carrierfsm.State) (list []string) {
	for _, e := range carrierfsm.Edges() {
		if e.From == from && e.To == to {
			list = append(list, plain(e.Event))
		}
	}
	return list
}

// line draws an arrow between two boxes and tells where its count is written.
func line(from, to box) (path string, x, y int) {
	middle := from.X + from.W/2
	target := to.X + to.W/2
	switch far := (to.X - from.X) / boxStep; {
	case from == to && from.State == carrierfsm.Failed:
		return fmt.Sprintf("M%d %dc44 -10 44 32 0 22", from.X+from.W, from.Y+10), from.X + from.W + 40, from.Y + 26
	case from == to:
		return fmt.Sprintf("M%d %dc-22 -40 46 -40 26 0", from.X+24, from.Y), from.X + 4, from.Y - 20
	case to.State == carrierfsm.Failed:
		return fmt.Sprintf("M%d %dV%d", middle, from.Y+from.H, to.Y), middle + 16, (from.Y + from.H + to.Y) / 2
	case far == 1:
		return fmt.Sprintf("M%d %dH%d", from.X+from.W, from.Y+14, to.X), (from.X + from.W + to.X) / 2, from.Y + 8
	case far == -1:
		return fmt.Sprintf("M%d %dH%d", from.X, from.Y+30, to.X+to.W), (from.X + to.X + to.W) / 2, from.Y + 44
	case far > 1:
		return fmt.Sprintf("M%d %dC%d %d %d %d %d %d", middle+30, from.Y, middle+60, -20, target-30, -20, target, to.Y), (middle + target) / 2, 10
	default:
		return fmt.Sprintf("M%d %dC%d %d %d %d %d %d", middle, from.Y, middle-30, 40, target+60, 40, target+30, to.Y), (middle + target) / 2, 52
	}
}

// inWords is what the picture shows.
func inWords(present carrierfsm.State, boxes []box) string {
	var been []string
	for _, b := range boxes {
		if b.Visited && !b.Present {
			been = append(been, plain(b.State))
		}
	}
	text := "State diagram. It stands at " + plain(present)
	if len(been) > 0 {
		text += ", and has been at " + strings.Join(been, ", ")
	}
	return text + "."
}

// MiddleX and MiddleY are where its name is written.
func (b box) MiddleX() int { return b.X + b.W/2 }

// MiddleY is MiddleX's other half.
func (b box) MiddleY() int { return b.Y + b.H/2 }
