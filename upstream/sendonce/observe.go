package sendonce

import (
	"context"
	"errors"
	"os"
	"strconv"

	"github.com/carrierfsm/carrierfsm"
)

// observe calls the observer before a request, and returns the function to call
// at its end. Neither receives the request's values.
func (c *Client) observe(ctx context.Context, r Request) func(carrierfsm.ExchangeDone) {
	if c.cfg.Observer == nil || c.cfg.Observer.Exchange == nil {
		return func(carrierfsm.ExchangeDone) {}
	}
	return c.cfg.Observer.Exchange(ctx, carrierfsm.ExchangeStart{
		Method: r.Method, Host: c.base.Hostname(), Port: port(c.base.Port(), c.base.Scheme), Template: r.Template,
	})
}

// port returns the port of a URL, or the default of its scheme.
func port(given, scheme string) int {
	if n, err := strconv.Atoi(given); err == nil {
		return n
	}
	if scheme == "http" {
		return 80
	}
	return 443
}

// The values of ExchangeDone.Failure.
const (
	failureConnect  = "connect"
	failureStatus   = "status"
	failureCanceled = "canceled"
	failureTimeout  = "timeout"
	failureNotJSON  = "not_json"
	failureTooLarge = "too_large"
	failurePanic    = "panic"
	failureBroken   = "broken"
)

// failureOf classifies an error of exchange; empty for nil.
func failureOf(err error) string {
	_, unconnected := errors.AsType[*ConnectError](err)
	_, status := errors.AsType[*StatusError](err)
	switch {
	case err == nil:
		return ""
	case unconnected:
		return failureConnect
	case status:
		return failureStatus
	case errors.Is(err, context.Canceled):
		return failureCanceled
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, errTooLate), errors.Is(err, os.ErrDeadlineExceeded):
		return failureTimeout
	case errors.Is(err, ErrNotJSON):
		return failureNotJSON
	case errors.Is(err, ErrTooLarge):
		return failureTooLarge
	}
	return failureBroken
}
