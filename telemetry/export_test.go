package telemetry

import "go.opentelemetry.io/otel/attribute"

var (
	ConventionalKeys = []attribute.Key{attrError, attrMethod, attrStatus, attrProtocol, attrServer, attrPort, attrTemplate}
	Unclassified     = unclassified
	MaxCommitSpans   = maxCommitSpans
)

// Classes returns the names of the classes of errors.
func Classes() (names []string) {
	for _, c := range classes {
		names = append(names, c.name)
	}
	return names
}

// ClassOf returns the name of an error's class.
func ClassOf(err error) string { return classOf(err).name }

// CommitSpans returns how many spans are kept.
func (t *Telemetry) CommitSpans() int { return len(t.commitSpans.spans) }
