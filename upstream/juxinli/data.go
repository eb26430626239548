package juxinli

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/upstream/sendonce"
)

// DataConfig configures a Data. ClientSecret is required.
type DataConfig struct {
	// ClientSecret is the institution's secret for the data calls. The host must
	// not destroy it while the Data is used: upstream refuses calls without it.
	ClientSecret carrierfsm.Secret
	// Permanent requests access tokens that don't expire. A leaked one stays valid
	// for ever, so leave it false unless upstream offers nothing else. Defaults to
	// tokens for 24 hours.
	Permanent bool
	// MaxBody is the size of the largest response body that is read, in bytes, at
	// most 1 GiB. A report is in memory twice while it is decoded. Defaults to
	// 32 MiB.
	MaxBody int64
	// Tries is how often a request is made at most, if the connection failed or
	// broke, or the status was 502, 503 or 504. 1 disables retries. Defaults to 3.
	Tries int
	// RetryPause is the pause before the second try; it doubles with each.
	// Defaults to 500 ms.
	RetryPause time.Duration
	// Now is the clock for the expiry of access tokens. Defaults to time.Now.
	Now func() time.Time
}

// Data makes the data calls: the state of a collection, the report, the raw data.
// It caches the access token, in memory only, and nothing of what it fetches. It
// is safe for concurrent use.
//
// Upstream requires the secret, the access token and the application's token in
// the URL's query. They are in no error and no log of this package, and a
// Config.Proxy function does not receive them. Anything else that terminates TLS
// on the way to upstream must not log queries.
//
// All calls only read, so they are retried: see DataConfig.Tries. The
// Config.Timeout of the Client bounds a whole call, retries included. The errors
// are those of Client.Collect and the sentinels declared with ErrNotReady.
type Data struct {
	client  *Client
	cfg     DataConfig
	access  *tokens
	preview *Data // the same with MaxBody maxRefusal, to tell a report from a refusal
}

// Data returns a Data that uses the client's Config. It returns an error for a
// missing ClientSecret, or a bound that is negative or too large.
func (c *Client) Data(d DataConfig) (*Data, error) {
	switch {
	case d.ClientSecret.Empty():
		return nil, errors.New("juxinli: ClientSecret is required")
	case d.MaxBody < 0 || d.MaxBody > sendonce.LargestBody || d.Tries < 0 || d.RetryPause < 0:
		return nil, errors.New("juxinli: a bound is negative or too large")
	}
	if d.MaxBody == 0 {
		d.MaxBody = 32 << 20
	}
	if d.Tries == 0 {
		d.Tries = 3
	}
	if d.RetryPause == 0 {
		d.RetryPause = 500 * time.Millisecond
	}
	if d.Now == nil {
		d.Now = time.Now
	}
	data := &Data{client: c.withMaxBody(d.MaxBody), cfg: d}
	data.access = &tokens{fetch: data.fetchToken, timeout: c.cfg.Timeout, now: d.Now}
	if !d.Permanent {
		data.access.lifetime = 24 * time.Hour
	}
	data.preview = &Data{client: c.withMaxBody(maxRefusal), cfg: d, access: data.access}
	return data, nil
}

// maxRefusal is longer than any refusal, and shorter than any real report.
const maxRefusal = 4 << 10

// Format prints the type's name only.
func (*Data) Format(f fmt.State, _ rune) { _, _ = fmt.Fprint(f, "juxinli.Data ", redacted) }

// JobState is the state of a collection.
type JobState string

// The states of a collection.
const (
	// JobRunning: upstream is collecting.
	JobRunning JobState = "running"
	// JobDone: the collection is complete. The report may follow minutes later.
	JobDone JobState = "done"
	// JobFailed: there will be no report.
	JobFailed JobState = "failed"
	// JobUnclear: this package does not know the state that upstream returned. It
	// may change later.
	JobUnclear JobState = "unclear"
)

// jobStates are upstream's texts for the states. They must match whole: 未完成
// (incomplete) contains 完成 (complete). Those for failures are not documented.
var jobStates = map[text]JobState{
	"抓取中": JobRunning, "采集中": JobRunning,
	"完成": JobDone, "抓取完成": JobDone, "采集完成": JobDone,
	"失败": JobFailed, "抓取失败": JobFailed, "采集失败": JobFailed,
}

// Job returns the state of a collection, by the application's token, which is
// Verification.Token. The caller destroys the token.
func (d *Data) Job(ctx context.Context, token carrierfsm.Secret) (JobState, error) {
	e, err := d.call(ctx, "/api/v2/job/access_jobs_status_by_token", token)
	var state JobState
	if err == nil {
		state, err = e.job()
	}
	if err != nil {
		return "", &callError{"job", err}
	}
	return state, nil
}

const reportPath = "/api/access_report_data_by_token"

// Report fetches the analysed report. If there is none, it also fetches the state
// of the job, and returns an error that matches ErrNotReady or ErrNotFound.
func (d *Data) Report(ctx context.Context, token carrierfsm.Secret) (Document, error) {
	return d.document(ctx, "report", reportPath, token, dataEnvelope.report)
}

// RawData fetches the collected data before analysis. Its errors are those of
// Report.
func (d *Data) RawData(ctx context.Context, token carrierfsm.Secret) (Document, error) {
	return d.document(ctx, "raw data", "/api/access_raw_data_by_token", token, dataEnvelope.raw)
}

func (d *Data) document(
	ctx context.Context, name, path string, token carrierfsm.Secret, from func(dataEnvelope) (Document, error),
) (Document, error) {
	ctx, cancel := context.WithTimeout(ctx, d.client.cfg.Timeout)
	defer cancel()
	e, err := d.call(ctx, path, token)
	if err == nil {
		var doc Document
		if doc, err = from(e); err == nil {
			return doc, nil
		}
	}
	if errors.Is(err, errNoData) {
		err = d.noDataError(ctx, token, err)
	}
	return Document{}, &callError{name, err}
}

// noDataError returns ErrNotReady or ErrNotFound, depending on the job's state.
func (d *Data) noDataError(ctx context.Context, token carrierfsm.Secret, noData error) error {
	state, err := d.Job(ctx, token)
	switch {
	case errors.Is(err, ErrNotFound) || state == JobDone || state == JobFailed:
		return fmt.Errorf("%w: %w", ErrNotFound, noData)
	case err != nil:
		return err
	default:
		return fmt.Errorf("%w: %w", ErrNotReady, noData)
	}
}
