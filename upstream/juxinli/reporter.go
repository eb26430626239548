package juxinli

import (
	"context"
	"errors"

	"github.com/carrierfsm/carrierfsm"
)

var _ carrierfsm.Reporter = (*Data)(nil)

// ReportState is carrierfsm.Reporter's: set Config.Reporter to d, and handlers
// hear of report_ready and report_failed. A job that upstream does not know
// yet counts as pending, and so does one of whose state it says nothing clear,
// and one that is done while its report is still empty. Errors are those of Job.
func (d *Data) ReportState(ctx context.Context, token carrierfsm.Secret) (carrierfsm.ReportState, error) {
	state, err := d.Job(ctx, token)
	switch {
	case errors.Is(err, ErrNotFound):
		return carrierfsm.ReportPending, nil
	case err != nil:
		return "", err
	case state == JobDone:
		return d.reported(ctx, token), nil
	case state == JobFailed:
		return carrierfsm.ReportHasNone, nil
	default:
		return carrierfsm.ReportPending, nil
	}
}

// reported is ready, unless upstream says that the report of a job that is done
// is empty. Of a report it reads the first few KiB, and keeps nothing. What
// can't be found out this way is for whoever fetches the report.
func (d *Data) reported(ctx context.Context, token carrierfsm.Secret) carrierfsm.ReportState {
	e, err := d.peek.call(ctx, reportPath, token)
	if err == nil {
		_, err = e.report()
	}
	if errors.Is(err, errNothing) {
		return carrierfsm.ReportPending
	}
	return carrierfsm.ReportIsReady
}
