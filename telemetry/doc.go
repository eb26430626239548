// Package telemetry tells OpenTelemetry what a carrierfsm.Machine does: a trace
// of each submission with its calls of the store and of upstream, and a few
// metrics that can be alerted on.
//
//	t, err := telemetry.New(telemetry.Config{})
//	client, err := juxinli.New(juxinli.Config{Org: org, Observer: t.Observer()})
//	m, err := carrierfsm.New(carrierfsm.Config{Store: store, Upstream: client, Observer: t.Observer()})
//	_, err = t.Watch(m)
//
// It uses the OpenTelemetry API alone. What becomes of the spans and metrics
// is the business of the SDK that the host sets up; without one nothing does.
//
// An attribute of a metric is one of a few values: a state, an event, a kind
// of input, an outcome, a website, the name of a handler, a class of error.
// Spans also carry the verification's ID and step. Neither carries a number, a
// token, a secret, an org, a text of upstream's or the text of an error.
//
// docs/telemetry.md lists all metrics and spans; docs/telemetry/ has alerts for
// Prometheus and a dashboard for Grafana.
package telemetry
