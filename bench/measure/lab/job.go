// Package lab runs measurements: each in a process of its own, one at a time,
// all of them once in each round.
package lab

import (
	"bufio"
	"bytes"
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

// Job is what a child process is told to do. It belongs to one task, which
// reads what it needs.
type Job struct {
	Task string
	Cell
	Place       subject.Place
	For, WarmUp time.Duration
	// Profile, where not empty, is the path of a CPU profile to write.
	Profile string
	// Rows is how many verifications there are.
	Rows int
	// Program, where not empty, is the one that does the job, in place of this.
	Program string `json:"-"`
}

// program is the path of the program whose child does the job.
func (j Job) program() (string, error) {
	if j.Program != "" {
		return j.Program, nil
	}
	return os.Executable()
}

// Task does a job and returns what is told to the parent, as JSON.
type Task func(context.Context, Job) (any, error)

// ChildFlag is the flag by which this program is told that it is a child; the
// job comes by its standard input.
const ChildFlag = "-child"

// patience is how long a child may take beyond what it is told to.
const patience = 10 * time.Minute

// Run has a child process do the job, and reads its result. What the child says
// on its standard error is in the error.
func Run(ctx context.Context, j Job, result any) error {
	text, err := json.Marshal(j)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, j.For+j.WarmUp+patience)
	defer cancel()
	program, err := j.program()
	if err != nil {
		return err
	}
	child := exec.CommandContext(ctx, program, ChildFlag) //nolint:gosec // it is this program, or one that this has built
	child.Stdin = bytes.NewReader(text)
	var said strings.Builder
	child.Stderr = &said
	out, err := child.Output()
	if err != nil {
		return fmt.Errorf("%s, %s: %w: %s", j.Task, j.Cell, err, lastLines(said.String()))
	}
	return json.Unmarshal(out, result)
}

// Start has a child process do a job that goes on until it is stopped, and
// returns the first line that the child writes.
func Start(ctx context.Context, j Job) (line string, stop func() error, err error) {
	text, err := json.Marshal(j)
	if err != nil {
		return "", nil, err
	}
	program, err := j.program()
	if err != nil {
		return "", nil, err
	}
	child := exec.CommandContext(ctx, program, ChildFlag) //nolint:gosec // it is this program, or one that this has built
	in, err1 := child.StdinPipe()
	out, err2 := child.StdoutPipe()
	if err := errors.Join(err1, err2, child.Start()); err != nil {
		return "", nil, err
	}
	stop = func() error { return errors.Join(in.Close(), child.Wait()) }
	if _, err := in.Write(text); err != nil {
		return "", nil, errors.Join(err, stop())
	}
	line, err = bufio.NewReader(out).ReadString('\n')
	if err != nil {
		return "", nil, errors.Join(err, stop())
	}
	return strings.TrimSpace(line), stop, nil
}

// Child does the job that in says and writes its result to out.
func Child(ctx context.Context, tasks map[string]Task, in io.Reader, out io.Writer) error {
	var j Job
	if err := json.NewDecoder(in).Decode(&j); err != nil {
		return err
	}
	task := tasks[j.Task]
	if task == nil {
		return fmt.Errorf("there is no task %q", j.Task)
	}
	result, err := task(ctx, j)
	if err != nil {
		return err
	}
	return json.NewEncoder(out).Encode(result)
}

// Drive is the name of the task that drives a subject.
const Drive = "drive"

// Driving is that task; it returns a drive.Sample.
func Driving(kinds []subject.Kind) Task {
	return func(ctx context.Context, j Job) (any, error) {
		k, err := find(kinds, j.Cell)
		if err != nil {
			return nil, err
		}
		return drive.Cell(ctx, k, j.Place, drive.Options{Drivers: j.Drivers, For: j.For, WarmUp: j.WarmUp, Profile: j.Profile})
	}
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
