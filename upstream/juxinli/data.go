package juxinli

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/carrierfsm/carrierfsm"
)

// DataConfig is what a Data is made of, beside its Client. ClientSecret is required.
type DataConfig struct {
	// ClientSecret is the institution's secret for the data calls. Data uses it
	// for as long as it lives; it remains the host's to destroy, and without it
	// every call is refused.
	ClientSecret carrierfsm.Secret
	// Permanent asks for access tokens that don't expire. A leaked one is good
	// for ever, so leave it false unless upstream offers nothing else. Defaults
	// to tokens for 24 hours.
	Permanent bool
	// MaxBody is the largest answer that is read, in bytes, at most 1 GiB. It is
	// held in memory twice while it is read. Defaults to 32 MiB.
	MaxBody int64
	// Tries is how often a request is made whose answer did not come: the
	// connection failed or broke, or the status was 502, 503 or 504. 1 leaves
	// trying again to the host. Defaults to 3.
	Tries int
	// RetryPause is the pause before the second try; it doubles with each.
	// Defaults to 500 ms.
	RetryPause time.Duration
	// Now is the clock by which access tokens expire. Defaults to time.Now.
	Now func() time.Time
}

// Data makes the data calls: how far a collection is, the report, the raw
// data. It keeps the access token, in memory only, and nothing of what it
// fetches. It is safe for concurrent use.
//
// Upstream wants the secret, the access token and the application's token in
// the URL's query. They are in no error and no log of this package, and a
// Config.Proxy function does not see them; whatever else ends TLS on the way
// to upstream must not log queries.
//
// All calls only read, so they are tried again: see DataConfig.Tries. The
// Config.Timeout of the Client is for a whole call, tries included. The errors
// are those of Client.Collect and the sentinels beside ErrNotReady.
type Data struct {
	client *Client
	cfg    DataConfig
	access *tokens
	peek   *Data // the same, for answers of which the first bytes are enough
}

// Data returns what makes the data calls, by the same rules as the client's
// other calls. It returns an error for a missing ClientSecret, or a bound that
// is negative or too large.
func (c *Client) Data(d DataConfig) (*Data, error) {
	switch {
	case d.ClientSecret.Empty():
		return nil, errors.New("juxinli: ClientSecret is required")
	case d.MaxBody < 0 || d.MaxBody > bodyLimit || d.Tries < 0 || d.RetryPause < 0:
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
	own := *c
	own.cfg.MaxBody, own.cfg.Proxy = d.MaxBody, withoutQuery(c.cfg.Proxy)
	data := &Data{client: &own, cfg: d}
	data.access = &tokens{fetch: data.fetchToken, limit: own.cfg.Timeout, now: d.Now}
	if !d.Permanent {
		data.access.life = 24 * time.Hour
	}
	brief := own
	brief.cfg.MaxBody = refusalSize
	data.peek = &Data{client: &brief, cfg: d, access: data.access}
	return data, nil
}

// refusalSize is longer than any refusal, and shorter than any report worth
// the name.
const refusalSize = 4 << 10

// withoutQuery keeps the query from a function that chooses a proxy.
func withoutQuery(proxy func(*http.Request) (*url.URL, error)) func(*http.Request) (*url.URL, error) {
	if proxy == nil {
		return nil
	}
	return func(r *http.Request) (*url.URL, error) {
		r = r.Clone(r.Context())
		r.URL.RawQuery = ""
		return proxy(r)
	}
}

// Format prints the type's name and nothing of its value.
func (*Data) Format(f fmt.State, _ rune) { _, _ = fmt.Fprint(f, "juxinli.Data ", redacted) }

// JobState is how far a collection is.
type JobState string

// The states of a collection.
const (
	// JobRunning: upstream is collecting.
	JobRunning JobState = "running"
	// JobDone: it has collected. The report follows, perhaps some minutes later.
	JobDone JobState = "done"
	// JobFailed: no report will come.
	JobFailed JobState = "failed"
	// JobUnclear: upstream said something that this package does not know. Ask again.
	JobUnclear JobState = "unclear"
)

// jobStates are upstream's words. Only whole words count: 未完成 means the
// opposite of 完成. The failures are no documented words.
var jobStates = map[text]JobState{
	"抓取中": JobRunning, "采集中": JobRunning,
	"完成": JobDone, "抓取完成": JobDone, "采集完成": JobDone,
	"失败": JobFailed, "抓取失败": JobFailed, "采集失败": JobFailed,
}

// Job tells how far the collection behind an application's token is, which is
// Verification.Token. The token remains the caller's to destroy.
func (d *Data) Job(ctx context.Context, token carrierfsm.Secret) (JobState, error) {
	e, err := d.call(ctx, "/api/v2/job/access_jobs_status_by_token", token)
	var state JobState
	if err == nil {
		state, err = e.job()
	}
	if err != nil {
		return "", fmt.Errorf("juxinli: job: %w", err)
	}
	return state, nil
}

const reportPath = "/api/access_report_data_by_token"

// Report fetches the analysed report. Where there is none, it asks for the job
// too and returns an error that matches ErrNotReady or ErrNotFound.
func (d *Data) Report(ctx context.Context, token carrierfsm.Secret) (Document, error) {
	return d.document(ctx, "report", reportPath, token, envelopeOfData.report)
}

// RawData fetches what was collected, before it was analysed. Where there is
// nothing, its errors are those of Report.
func (d *Data) RawData(ctx context.Context, token carrierfsm.Secret) (Document, error) {
	return d.document(ctx, "raw data", "/api/access_raw_data_by_token", token, envelopeOfData.raw)
}

func (d *Data) document(
	ctx context.Context, name, path string, token carrierfsm.Secret, from func(envelopeOfData) (Document, error),
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
	if errors.Is(err, errNothing) {
		err = d.whyNothing(ctx, token, err)
	}
	return Document{}, fmt.Errorf("juxinli: %s: %w", name, err)
}

// whyNothing tells a report that is not there yet from one that will not come.
func (d *Data) whyNothing(ctx context.Context, token carrierfsm.Secret, nothing error) error {
	state, err := d.Job(ctx, token)
	switch {
	case errors.Is(err, ErrNotFound) || state == JobDone || state == JobFailed:
		return fmt.Errorf("%w: %w", ErrNotFound, nothing)
	case err != nil:
		return err
	default:
		return fmt.Errorf("%w: %w", ErrNotReady, nothing)
	}
}
