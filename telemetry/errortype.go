package telemetry

import (
	"context"
	"errors"

	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/outbox"
)

// class is the error.type of an error. The error's text is never recorded: it
// may be a driver's.
type class struct {
	err    error
	name   string
	failed bool // the span gets the status error; false for refusals
}

// classes has one class for each sentinel error; the first that matches counts.
var classes = []class{
	{carrierfsm.ErrMoved, "moved", true}, // matches ErrStore too
	{carrierfsm.ErrStore, "store", true},
	{carrierfsm.ErrForged, "forged", true}, // matches ErrSealed too
	{carrierfsm.ErrSealed, "sealed", true},
	{carrierfsm.ErrCorrupt, "corrupt", true},
	{carrierfsm.ErrNewerTable, "newer_table", true},
	{carrierfsm.ErrClosed, "closed", true},
	{carrierfsm.ErrNotSent, "not_sent", true},
	{carrierfsm.ErrNotFound, "not_found", false},
	{carrierfsm.ErrExists, "exists", false},
	{carrierfsm.ErrKeyInUse, "key_in_use", false},
	{carrierfsm.ErrConflict, "conflict", false},
	{carrierfsm.ErrInvalid, "invalid", false},
	{carrierfsm.ErrOtherShard, "other_shard", false},
	{carrierfsm.ErrConsentRequired, "consent_required", false},
	{carrierfsm.ErrInFlight, "in_flight", false},
	{carrierfsm.ErrStale, "stale", false},
	{carrierfsm.ErrNotAwaited, "not_awaited", false},
	{carrierfsm.ErrTooMany, "too_many", false},
	{carrierfsm.ErrTooSoon, "too_soon", false},
	{carrierfsm.ErrPasswordNeeded, "password_needed", false},
	{outbox.ErrLeaseHeld, "lease_held", false},
	{outbox.ErrLeaseLost, "lease_lost", false},
	{outbox.ErrNoStart, "no_start", true},
	{carrierfsm.ErrPending, "pending", false},
	{context.Canceled, "canceled", false},
	{context.DeadlineExceeded, "timeout", true},
}

// unclassified is the semantic conventions' value for all other errors.
const unclassified = "_OTHER"

// classOf returns the class of an error; the zero class for nil.
func classOf(err error) class {
	if err == nil {
		return class{}
	}
	for _, c := range classes {
		if errors.Is(err, c.err) {
			return c
		}
	}
	return class{name: unclassified, failed: true}
}

// setError records the class of error that a span ended with.
func setError(span trace.Span, c class) {
	if c.name == "" {
		return
	}
	span.SetAttributes(stringAttr(attrError, c.name))
	if c.failed {
		span.SetStatus(codes.Error, "")
	}
}
