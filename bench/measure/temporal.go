package main

import (
	"context"
	"debug/buildinfo"
	"fmt"
	"io"
	"os/exec"
	"path/filepath"
	"slices"

	"github.com/carrierfsm/carrierfsm/bench/measure/competitors/temporal"
	"github.com/carrierfsm/carrierfsm/bench/measure/report"
	"github.com/carrierfsm/carrierfsm/bench/measure/runner"
)

// temporalModule is the folder of the module that measures Temporal, relative to this
// module's.
var temporalModule = filepath.Join("..", "temporal")

// buildTemporal builds the program that measures Temporal into folder, if the plan
// has cells for it. If the build fails, it removes those cells and records the
// failure.
func buildTemporal(ctx context.Context, module, folder string, plan *runner.Plan, r *report.Run, progress io.Writer) {
	isTemporal := func(c runner.Cell) bool { return temporal.Is(c.Kind) }
	if !slices.ContainsFunc(plan.Cells, isTemporal) {
		return
	}
	_, _ = fmt.Fprintf(progress, "building %s: takes minutes the first time\n", temporal.Name)
	program := filepath.Join(folder, "temporal")
	versions, err := build(ctx, module, program)
	if err != nil {
		err = fmt.Errorf("%s can't be built: %w", temporal.Name, err)
		_, _ = fmt.Fprintln(progress, err)
		r.Failures = append(r.Failures, err.Error())
		plan.Cells = slices.DeleteFunc(plan.Cells, isTemporal)
		return
	}
	plan.Programs = map[string]string{temporal.Name: program, temporal.Tuned: program}
	r.TemporalVersions = versions
}

// build builds a module's program and returns the versions of its dependencies by
// module.
func build(ctx context.Context, module, program string) (map[string]string, error) {
	//nolint:gosec // the arguments are this program's own
	output, err := exec.CommandContext(ctx, "go", "build", "-C", module, "-buildvcs=false", "-o", program, ".").CombinedOutput()
	if err != nil {
		return nil, fmt.Errorf("%w: %s", err, output)
	}
	info, err := buildinfo.ReadFile(program)
	if err != nil {
		return nil, err
	}
	versions := make(map[string]string)
	for _, d := range info.Deps {
		versions[d.Path] = d.Version
	}
	return versions, nil
}
