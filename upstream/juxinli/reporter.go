package juxinli

import (
	"context"
	"errors"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/upstream/sendonce"
)

var _ carrierfsm.Reporter = (*Data)(nil)

// ReportState implements carrierfsm.Reporter: with d as Config.Reporter, handlers
// receive report_ready and report_failed. Where the state of the job is unclear,
// because upstream does not know the job or the call, or gives no state that this
// package knows, it looks whether the report is there. The state is pending for a
// job that is running, and as long as upstream says that the report is empty. Errors
// are those of Job and Report.
func (d *Data) ReportState(ctx context.Context, token carrierfsm.Secret) (carrierfsm.ReportState, error) {
	state, err := d.Job(ctx, token)
	switch {
	case isUnclear(state, err):
		return d.visibleReport(ctx, token)
	case err != nil:
		return "", err
	case state == JobDone:
		if state, err := d.visibleReport(ctx, token); err == nil {
			return state, nil
		}
		return carrierfsm.ReportStateReady, nil // the caller that fetches the report gets the error
	case state == JobFailed:
		return carrierfsm.ReportStateFailed, nil
	default:
		return carrierfsm.ReportStatePending, nil
	}
}

// isUnclear reports whether upstream answered the query of a job's state, but with
// none that can be read.
func isUnclear(state JobState, err error) bool {
	if err == nil {
		return state == JobUnclear
	}
	if refusal, ok := errors.AsType[*RefusalError](err); ok {
		_, known := refusalErrors[number(refusal.Code)]
		return !known || errors.Is(err, ErrNotFound)
	}
	_, failed := errors.AsType[*sendonce.StatusError](err) // upstream may not have the call
	return failed || errors.Is(err, sendonce.ErrNotJSON) || errors.Is(err, ErrMalformed)
}

// visibleReport returns ready if upstream sends a report, pending if it says that
// the report is empty, and an error if it does neither. It reads at most maxRefusal
// bytes: a longer answer is a report.
func (d *Data) visibleReport(ctx context.Context, token carrierfsm.Secret) (carrierfsm.ReportState, error) {
	e, err := d.preview.call(ctx, reportPath, token)
	if err == nil {
		_, err = e.report()
	}
	switch {
	case err == nil || errors.Is(err, sendonce.ErrTooLarge):
		return carrierfsm.ReportStateReady, nil
	case errors.Is(err, errNoData):
		return carrierfsm.ReportStatePending, nil
	default:
		return "", err
	}
}
