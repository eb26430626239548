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

var errNoToken = errors.New("the application's token is empty")

// call makes a data call for an application. Where the access token is refused
// it fetches a fresh one, once.
func (d *Data) call(ctx context.Context, path string, token carrierfsm.Secret) (envelopeOfData, error) {
	if token.Empty() {
		return envelopeOfData{}, fmt.Errorf("%w: %w", carrierfsm.ErrNotSent, errNoToken)
	}
	ctx, cancel := context.WithTimeout(ctx, d.client.cfg.Timeout)
	defer cancel()
	access, err := d.access.get(ctx, 0)
	if err != nil {
		return envelopeOfData{}, err
	}
	e, err := d.ask(ctx, path, access, token)
	if !errors.Is(err, ErrTokenRefused) {
		return e, err
	}
	if access, err = d.access.get(ctx, access.number); err != nil {
		return envelopeOfData{}, err
	}
	return d.ask(ctx, path, access, token)
}

func (d *Data) ask(ctx context.Context, path string, access accessToken, token carrierfsm.Secret) (envelopeOfData, error) {
	return d.get(ctx, path, url.Values{"access_token": {reveal(access.value)}, "token": {reveal(token)}})
}

// fetchToken fetches a fresh access token.
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
	return carrierfsm.NewSecret(string(e.Access)), nil
}

// get makes one request, and makes it again while no answer comes.
func (d *Data) get(ctx context.Context, path string, query url.Values) (envelopeOfData, error) {
	query.Set("client_secret", reveal(d.cfg.ClientSecret))
	path += "?" + query.Encode()
	answer, err := tryAgain(ctx, d.cfg.Tries, d.cfg.RetryPause, func() ([]byte, error) {
		return d.client.do(ctx, http.MethodGet, path, nil)
	})
	if err != nil {
		return envelopeOfData{}, err
	}
	defer clear(answer)
	return unwrapData(answer)
}

// tryAgain calls until an error comes that will not pass, with longer and
// longer pauses between.
func tryAgain(ctx context.Context, tries int, pause time.Duration, call func() ([]byte, error)) ([]byte, error) {
	for try := 1; ; try, pause = try+1, 2*pause {
		answer, err := call()
		if err == nil || try == tries || !passing(err) || !wait(ctx, pause) {
			return answer, err
		}
	}
}

// passing tells whether an error may be gone at the next try.
func passing(err error) bool {
	if failed, ok := errors.AsType[*StatusError](err); ok {
		return failed.Status == http.StatusBadGateway || failed.Status == http.StatusServiceUnavailable ||
			failed.Status == http.StatusGatewayTimeout
	}
	_, unconnected := errors.AsType[*ConnectError](err)
	return unconnected || errors.Is(err, ErrBroken)
}

// wait waits, and is false when ctx ends first.
func wait(ctx context.Context, pause time.Duration) bool {
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-timer.C:
		return ctx.Err() == nil
	case <-ctx.Done():
		return false
	}
}

// reveal copies a secret out, for a query. The copy can't be overwritten; it
// lasts until the next garbage collection.
func reveal(s carrierfsm.Secret) (value string) {
	s.Use(func(b []byte) { value = string(b) })
	return value
}
