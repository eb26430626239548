// Package lab runs measurements: each in a process of its own, one at a time,
// all of them once in each round.
package lab

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"time"

	"github.com/carrierfsm/carrierfsm/bench/measure/drive"
	"github.com/carrierfsm/carrierfsm/bench/measure/subject"
)

// Cell is one subject on one medium with so many drivers: what is measured
// once a round.
type Cell struct {
	Kind    string
	Medium  subject.Medium
	Drivers int
}

func (c Cell) String() string { return fmt.Sprintf("%s, %s, %d drivers", c.Kind, c.Medium, c.Drivers) }

// Job is what a child process is told to do.
type Job struct {
	Cell
	Place       subject.Place
	For, WarmUp time.Duration
}

// ChildFlag is the flag by which this program is told that it is a child; the
// job comes by its standard input.
const ChildFlag = "-child"

// patience is how long a child may take beyond what it is told to.
const patience = 90 * time.Second

// Run has a child process do the job. What the child says on its standard
// error is in the error.
func (j Job) Run(ctx context.Context) (s drive.Sample, err error) {
	text, err := json.Marshal(j)
	if err != nil {
		return s, err
	}
	ctx, cancel := context.WithTimeout(ctx, j.For+j.WarmUp+patience)
	defer cancel()
	program, err := os.Executable()
	if err != nil {
		return s, err
	}
	child := exec.CommandContext(ctx, program, ChildFlag) //nolint:gosec // it is this program
	child.Stdin = strings.NewReader(string(text))
	var said strings.Builder
	child.Stderr = &said
	out, err := child.Output()
	if err != nil {
		return s, fmt.Errorf("%s: %w: %s", j.Cell, err, lastLines(said.String()))
	}
	return s, json.Unmarshal(out, &s)
}

// Child does the job that in says and writes the sample to out.
func Child(ctx context.Context, kinds []subject.Kind, in io.Reader, out io.Writer) error {
	var j Job
	if err := json.NewDecoder(in).Decode(&j); err != nil {
		return err
	}
	k, err := find(kinds, j.Cell)
	if err != nil {
		return err
	}
	s, err := drive.Cell(ctx, k, j.Place, drive.Options{Drivers: j.Drivers, For: j.For, WarmUp: j.WarmUp})
	return errors.Join(err, json.NewEncoder(out).Encode(s))
}

// find finds the kind of this name that can be opened on the cell's medium.
func find(kinds []subject.Kind, c Cell) (subject.Kind, error) {
	for _, k := range kinds {
		for _, m := range k.Media {
			if k.Name == c.Kind && m == c.Medium {
				return k, nil
			}
		}
	}
	return subject.Kind{}, fmt.Errorf("there is no %q on %s", c.Kind, c.Medium)
}

func lastLines(text string) string {
	const most = 600
	text = strings.TrimSpace(text)
	return text[max(0, len(text)-most):]
}
