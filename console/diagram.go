package console

import (
	"fmt"
	"slices"
	"strings"

	"github.com/carrierfsm/carrierfsm"
)

// diagram is the transition table as a picture, with one verification's path
// highlighted: the states in a row in the order of a plain run, and failed
// below all those that lead to it.
type diagram struct {
	Width, Height int
	Boxes         []box
	Arrows        []arrow
	Legend        []legendStep
	Alt           string // describes the picture to screen readers
}

// box is a state.
type box struct {
	State            carrierfsm.State
	X, Y, W, H       int
	Present, Visited bool
}

// arrow stands for all events that lead from one state to another, or to itself.
type arrow struct {
	From, To carrierfsm.State
	Events   string
	Path     string
	Taken    int    // how often
	Steps    string // at which steps it was taken: "3, 5"
	X, Y     int    // the position of the label
}

// maxLabel bounds the label of an arrow, in characters; more stands in its title.
const maxLabel = 9

// Label has the steps, or how many there are.
func (a arrow) Label() string {
	if len(a.Steps) > maxLabel {
		return fmt.Sprintf("%d×", a.Taken)
	}
	return a.Steps
}

// legendStep is one step with its time and event, below the picture.
type legendStep struct {
	carrierfsm.Transition
	X, Y, TextX int
}

// The legend has columns, read downwards.
const (
	legendColumns = 3
	legendWidth   = 340
	legendLine    = 22
	legendText    = 34 // how far the text is from the number's end
)

func legendOf(history []carrierfsm.Transition) (list []legendStep, height int) {
	lines := (len(history) + legendColumns - 1) / legendColumns
	for i, t := range history {
		x := margin + i/lines*legendWidth + legendText - 8
		list = append(list, legendStep{t, x, pictureEnd + (i%lines+1)*legendLine, x + 8})
	}
	return list, lines*legendLine + margin
}

// The layout, in the picture's units.
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
	taken := make(map[[2]carrierfsm.State][]int)
	for _, t := range history {
		visited[t.To] = true
		edge := [2]carrierfsm.State{t.From, t.To}
		taken[edge] = append(taken[edge], t.Step)
	}
	legend, height := legendOf(history)
	d.Legend, d.Height = legend, d.Height+height
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
			steps := taken[[2]carrierfsm.State{from.State, to.State}]
			a := arrow{From: from.State, To: to.State, Events: strings.Join(events, ", "), Taken: len(steps), Steps: runs(steps)}
			a.Path, a.X, a.Y = arrowPath(from, to)
			d.Arrows = append(d.Arrows, a)
		}
	}
	// Arrows that were taken are drawn last, over the others.
	slices.SortStableFunc(d.Arrows, func(a, b arrow) int { return min(a.Taken, 1) - min(b.Taken, 1) })
	d.Alt = altText(present, d.Boxes)
	return d
}

// runs lists ascending steps: "1, 3–5".
func runs(steps []int) string {
	var list []string
	for i := 0; i < len(steps); {
		end := i
		for end+1 < len(steps) && steps[end+1] == steps[end]+1 {
			end++
		}
		switch end - i {
		case 0:
			list = append(list, fmt.Sprint(steps[i]))
		case 1:
			list = append(list, fmt.Sprint(steps[i]), fmt.Sprint(steps[end]))
		default:
			list = append(list, fmt.Sprintf("%d–%d", steps[i], steps[end]))
		}
		i = end + 1
	}
	return strings.Join(list, ", ")
}

// boxes places the states.
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
			list = append(list, humanize(e.Event))
		}
	}
	return list
}

// arrowPath returns the SVG path between two boxes and the position of its count.
func arrowPath(from, to box) (path string, x, y int) {
	middle := from.X + from.W/2
	target := to.X + to.W/2
	switch distance := (to.X - from.X) / boxStep; {
	case from == to && from.State == carrierfsm.Failed:
		return fmt.Sprintf("M%d %dc44 -10 44 32 0 22", from.X+from.W, from.Y+10), from.X + from.W + 40, from.Y + 26
	case from == to:
		return fmt.Sprintf("M%d %dc-22 -40 46 -40 26 0", from.X+24, from.Y), from.X + 4, from.Y - 20
	case to.State == carrierfsm.Failed:
		return fmt.Sprintf("M%d %dV%d", middle, from.Y+from.H, to.Y), middle + 16, (from.Y + from.H + to.Y) / 2
	case distance == 1:
		return fmt.Sprintf("M%d %dH%d", from.X+from.W, from.Y+14, to.X), (from.X + from.W + to.X) / 2, from.Y + 8
	case distance == -1:
		return fmt.Sprintf("M%d %dH%d", from.X, from.Y+30, to.X+to.W), (from.X + to.X + to.W) / 2, from.Y + 44
	case distance > 1:
		return fmt.Sprintf("M%d %dC%d %d %d %d %d %d", middle+30, from.Y, middle+60, -20, target-30, -20, target, to.Y), (middle + target) / 2, 10
	default:
		return fmt.Sprintf("M%d %dC%d %d %d %d %d %d", middle, from.Y, middle-30, 40, target+60, 40, target+30, to.Y), (middle + target) / 2, 52
	}
}

// altText describes the picture.
func altText(present carrierfsm.State, boxes []box) string {
	var visited []string
	for _, b := range boxes {
		if b.Visited && !b.Present {
			visited = append(visited, humanize(b.State))
		}
	}
	text := "State diagram. The verification is in " + humanize(present)
	if len(visited) > 0 {
		text += ", and was in " + strings.Join(visited, ", ")
	}
	return text + "."
}

// MiddleX is where the name is centred.
func (b box) MiddleX() int { return b.X + b.W/2 }

// MiddleY is where the name is centred.
func (b box) MiddleY() int { return b.Y + b.H/2 }
