// Package runner runs measurements: each in a child process, one at a time, all of
// them once in each round.
package runner

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

// Cell is one subject on one medium with a number of drivers. It is measured once in
// each round.
type Cell struct {
	Kind    string
	Medium  subject.Medium
	Drivers int
}

func (c Cell) String() string { return fmt.Sprintf("%s, %s, %d drivers", c.Kind, c.Medium, c.Drivers) }

// Job is the job of a child process. Which fields are used depends on the task.
type Job struct {
	Task string
	Cell
	Storage     subject.Storage
	For, WarmUp time.Duration
	// Profile, if not empty, is the path of a CPU profile to write.
	Profile string
	// Rows is the number of verifications.
	Rows int
	// Program, if not empty, is the program of the child; by default it is this one.
	Program string `json:"-"`
}

// program returns the path of the child's program.
func (j Job) program() (string, error) {
	if j.Program != "" {
		return j.Program, nil
	}
	return os.Executable()
}

// Task does a job. Its result is sent to the parent as JSON.
type Task func(context.Context, Job) (any, error)

// ChildFlag is the flag that makes the program a child, which reads its job from
// standard input.
const ChildFlag = "-child"

// childTimeout is how long a child may take in addition to the measured time.
const childTimeout = 10 * time.Minute

// Run runs the job in a child process and decodes its result. The error contains the
// child's standard error.
func Run(ctx context.Context, j Job, result any) error {
	text, err := json.Marshal(j)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, j.For+j.WarmUp+childTimeout)
	defer cancel()
	program, err := j.program()
	if err != nil {
		return err
	}
	child := exec.CommandContext(ctx, program, ChildFlag) //nolint:gosec // this program, or one that it has built
	child.Stdin = bytes.NewReader(text)
	var output strings.Builder
	child.Stderr = &output
	out, err := child.Output()
	if err != nil {
		return fmt.Errorf("%s, %s: %w: %s", j.Task, j.Cell, err, lastLines(output.String()))
	}
	return json.Unmarshal(out, result)
}

// Start starts a job that runs until stop is called, and returns the first line of
// the child's output.
func Start(ctx context.Context, j Job) (line string, stop func() error, err error) {
	text, err := json.Marshal(j)
	if err != nil {
		return "", nil, err
	}
	program, err := j.program()
	if err != nil {
		return "", nil, err
	}
	child := exec.CommandContext(ctx, program, ChildFlag) //nolint:gosec // this program, or one that it has built
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

// Child reads a job from in, runs it and writes its result to out.
func Child(ctx context.Context, tasks map[string]Task, in io.Reader, out io.Writer) error {
	var j Job
	if err := json.NewDecoder(in).Decode(&j); err != nil {
		return err
	}
	task := tasks[j.Task]
	if task == nil {
		return fmt.Errorf("unknown task %q", j.Task)
	}
	result, err := task(ctx, j)
	if err != nil {
		return err
	}
	return json.NewEncoder(out).Encode(result)
}

// Drive is the name of the task that drives a subject.
const Drive = "drive"

// DriveTask returns that task; its result is a drive.Sample.
func DriveTask(kinds []subject.Kind) Task {
	return func(ctx context.Context, j Job) (any, error) {
		k, err := find(kinds, j.Cell)
		if err != nil {
			return nil, err
		}
		return drive.Measure(ctx, k, j.Storage, drive.Options{Drivers: j.Drivers, For: j.For, WarmUp: j.WarmUp, Profile: j.Profile})
	}
}

// find returns the kind of a cell.
func find(kinds []subject.Kind, c Cell) (subject.Kind, error) {
	for _, k := range kinds {
		for _, m := range k.Media {
			if k.Name == c.Kind && m == c.Medium {
				return k, nil
			}
		}
	}
	return subject.Kind{}, fmt.Errorf("no subject %q on %s", c.Kind, c.Medium)
}

func lastLines(text string) string {
	const most = 600
	text = strings.TrimSpace(text)
	return text[max(0, len(text)-most):]
}
