package juxinli

import (
	"context"
	"errors"

	"github.com/carrierfsm/carrierfsm"
)

var _ carrierfsm.Reporter = (*Data)(nil)

// ReportState is carrierfsm.Reporter's: set Config.Reporter to d, and handlers
// hear of report_ready and report_failed. A job that upstream does not know
// yet counts as pending, and so does one of whose state it says nothing clear.
// Errors are those of Job.
func (d *Data) ReportState(ctx context.Context, token carrierfsm.Secret) (carrierfsm.ReportState, error) {
	state, err := d.Job(ctx, token)
	switch {
	case errors.Is(err, ErrNotFound):
		return carrierfsm.ReportPending, nil
	case err != nil:
		return "", err
	case state == JobDone:
		return carrierfsm.ReportIsReady, nil
	case state == JobFailed:
		return carrierfsm.ReportHasNone, nil
	default:
		return carrierfsm.ReportPending, nil
	}
}
