// Package telemetry records what a carrierfsm.Machine does with OpenTelemetry: a
// trace of each submission with its calls of the store and of upstream, and a few
// metrics for alerts.
//
//	t, err := telemetry.New(telemetry.Config{})
//	client, err := juxinli.New(juxinli.Config{Org: org, Numbers: numbers, Observer: t.Observer()})
//	m, err := carrierfsm.New(carrierfsm.Config{Store: store, Upstream: client, Numbers: numbers, Observer: t.Observer()})
//	_, err = t.Watch(m)
//
// It uses the OpenTelemetry API alone. The host sets up the SDK that exports the
// spans and metrics; without an SDK nothing is recorded.
//
// An attribute of a metric has one of a bounded set of values: a state, an event,
// a kind of input, an outcome, a website, the name of a handler, a class of
// error. Spans also have the verification's ID and step. Neither holds a phone
// number, a token, a secret, an org, a text of upstream or the text of an error.
//
// docs/telemetry.md lists all metrics and spans; docs/telemetry/ has alerts for
// Prometheus and a dashboard for Grafana.
package telemetry
