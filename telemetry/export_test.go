package telemetry

import "go.opentelemetry.io/otel/attribute"

// What the tests compare with the conventions and with the root package.
var (
	ConventionalKeys = []attribute.Key{attrError, attrMethod, attrStatus, attrProtocol, attrServer, attrPort, attrTemplate}
	Unclassified     = unclassified
	Remembered       = remembered
)

// Classes are the names of the classes of errors.
func Classes() (names []string) {
	for _, c := range classes {
		names = append(names, c.name)
	}
	return names
}

// ClassOf is the name of an error's class.
func ClassOf(err error) string { return classOf(err).name }

// Origins is how many transitions are remembered.
func (t *Telemetry) Origins() int { return len(t.origins.spans) }
