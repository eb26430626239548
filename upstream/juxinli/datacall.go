package juxinli

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/upstream/sendonce"
)

var errNoToken = errors.New("the application's token is empty")

// call makes a data call for an application. If upstream refuses the access token,
// it fetches a new one and repeats the call once.
func (d *Data) call(ctx context.Context, path string, token carrierfsm.Secret) (dataEnvelope, error) {
	if token.Empty() {
		return dataEnvelope{}, fmt.Errorf("%w: %w", carrierfsm.ErrNotSent, errNoToken)
	}
	ctx, cancel := context.WithTimeout(ctx, d.client.cfg.Timeout)
	defer cancel()
	access, err := d.access.get(ctx, 0)
	if err != nil {
		return dataEnvelope{}, err
	}
	e, err := d.request(ctx, path, access, token)
	if !errors.Is(err, ErrTokenRefused) {
		return e, err
	}
	if access, err = d.access.get(ctx, access.number); err != nil {
		return dataEnvelope{}, err
	}
	return d.request(ctx, path, access, token)
}

func (d *Data) request(ctx context.Context, path string, access accessToken, token carrierfsm.Secret) (dataEnvelope, error) {
	return d.get(ctx, path, url.Values{"access_token": {reveal(access.value)}, "token": {reveal(token)}})
}

// fetchToken fetches a new access token.
func (d *Data) fetchToken(ctx context.Context) (carrierfsm.Secret, error) {
	hours := "24"
	if d.cfg.Permanent {
		hours = "per"
	}
	e, err := d.get(ctx, "/api/v2/access_report_token", url.Values{"org_name": {d.client.cfg.Org}, "hours": {hours}})
	if err != nil {
		return carrierfsm.Secret{}, err
	}
	if e.Access == "" || len(e.Access) > maxName {
		return carrierfsm.Secret{}, ErrMalformed
	}
	return carrierfsm.NewSecret([]byte(e.Access)), nil
}

// get makes a request, with retries.
func (d *Data) get(ctx context.Context, path string, query url.Values) (dataEnvelope, error) {
	query.Set("client_secret", reveal(d.cfg.ClientSecret))
	path += "?" + query.Encode()
	body, err := retry(ctx, d.cfg.Tries, d.cfg.RetryPause, func() ([]byte, error) {
		return d.client.do(ctx, http.MethodGet, path, nil)
	})
	if err != nil {
		return dataEnvelope{}, err
	}
	defer clear(body)
	return unwrapData(body)
}

// retry calls until it succeeds, fails with an error that is not transient, or has
// been called tries times. The pause between two calls doubles.
func retry(ctx context.Context, tries int, pause time.Duration, call func() ([]byte, error)) ([]byte, error) {
	for try := 1; ; try, pause = try+1, 2*pause {
		body, err := call()
		if err == nil || try == tries || !transient(err) || !sleep(ctx, pause) {
			return body, err
		}
	}
}

// transient reports whether a retry may succeed.
func transient(err error) bool {
	if failed, ok := errors.AsType[*sendonce.StatusError](err); ok {
		return failed.Status == http.StatusBadGateway || failed.Status == http.StatusServiceUnavailable ||
			failed.Status == http.StatusGatewayTimeout
	}
	_, unconnected := errors.AsType[*sendonce.ConnectError](err)
	return unconnected || errors.Is(err, sendonce.ErrBroken)
}

// sleep waits for a pause. It returns false if ctx ends first.
func sleep(ctx context.Context, pause time.Duration) bool {
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-timer.C:
		return ctx.Err() == nil
	case <-ctx.Done():
		return false
	}
}

// reveal copies a secret into a string for a query. The copy can't be overwritten;
// it lasts until the next garbage collection.
func reveal(s carrierfsm.Secret) (value string) {
	s.Use(func(b []byte) { value = string(b) })
	return value
}
