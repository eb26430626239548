package juxinli

import (
	"context"
	"errors"
	"os"
	"strconv"
	"strings"

	"github.com/carrierfsm/carrierfsm"
)

// observe tells the observer of a request, before it is made, and returns what
// tells how it ended. Neither gets to see a request, the org or a query.
func (c *Client) observe(ctx context.Context, method, path string) func(carrierfsm.Exchanged) {
	if c.cfg.Observer == nil || c.cfg.Observer.Exchange == nil {
		return func(carrierfsm.Exchanged) {}
	}
	template, _, _ := strings.Cut(path, "?")
	return c.cfg.Observer.Exchange(ctx, carrierfsm.Exchanging{
		Method: method, Host: c.base.Hostname(), Port: port(c.base.Port(), c.base.Scheme), Template: template,
	})
}

// port is that of a URL, or its scheme's.
func port(given, scheme string) int {
	if n, err := strconv.Atoi(given); err == nil {
		return n
	}
	if scheme == "http" {
		return 80
	}
	return 443
}

// The words for why there was no answer of use.
const (
	failedToConnect = "connect"
	failedByStatus  = "status"
	failedByEnd     = "canceled"
	failedByTime    = "timeout"
	failedByType    = "not_json"
	failedBySize    = "too_large"
	failedByPanic   = "panic"
	failedOtherwise = "broken"
)

// failure is an error of exchange in one word.
func failure(err error) string {
	_, unconnected := errors.AsType[*ConnectError](err)
	_, status := errors.AsType[*StatusError](err)
	switch {
	case err == nil:
		return ""
	case unconnected:
		return failedToConnect
	case status:
		return failedByStatus
	case errors.Is(err, context.Canceled):
		return failedByEnd
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, errLate), errors.Is(err, os.ErrDeadlineExceeded):
		return failedByTime
	case errors.Is(err, ErrNotJSON):
		return failedByType
	case errors.Is(err, ErrTooLarge):
		return failedBySize
	}
	return failedOtherwise
}
