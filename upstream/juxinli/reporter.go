package juxinli

import (
	"context"
	"errors"

	"github.com/carrierfsm/carrierfsm"
)

var _ carrierfsm.Reporter = (*Data)(nil)

// ReportState implements carrierfsm.Reporter: with d as Config.Reporter, handlers
// receive report_ready and report_failed. The state is pending too for a job that
// upstream does not know yet, for one whose state is unclear, and for one that is
// done while its report is still empty. Errors are those of Job.
func (d *Data) ReportState(ctx context.Context, token carrierfsm.Secret) (carrierfsm.ReportState, error) {
	state, err := d.Job(ctx, token)
	switch {
	case errors.Is(err, ErrNotFound):
		return carrierfsm.ReportStatePending, nil
	case err != nil:
		return "", err
	case state == JobDone:
		return d.reportState(ctx, token), nil
	case state == JobFailed:
		return carrierfsm.ReportStateFailed, nil
	default:
		return carrierfsm.ReportStatePending, nil
	}
}

// reportState returns the state of the report of a job that is done: pending if
// upstream says that it is empty, and ready otherwise, even after an error: the
// caller that fetches the report gets that. It reads at most maxRefusal bytes.
func (d *Data) reportState(ctx context.Context, token carrierfsm.Secret) carrierfsm.ReportState {
	e, err := d.preview.call(ctx, reportPath, token)
	if err == nil {
		_, err = e.report()
	}
	if errors.Is(err, errNoData) {
		return carrierfsm.ReportStatePending
	}
	return carrierfsm.ReportStateReady
}
