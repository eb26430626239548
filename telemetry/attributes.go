package telemetry

import (
	"slices"

	"go.opentelemetry.io/otel/attribute"
)

// Our own attributes. Metrics never have those of id, step, call, detached and
// not_sent.
const (
	attrID       = attribute.Key("verification.id")
	attrStep     = attribute.Key("verification.step")
	attrState    = attribute.Key("verification.state")
	attrFrom     = attribute.Key("verification.from")
	attrEvent    = attribute.Key("verification.event")
	attrTo       = attribute.Key("verification.to")
	attrSource   = attribute.Key("verification.source")
	attrInput    = attribute.Key("verification.input")
	attrOutcome  = attribute.Key("verification.outcome")
	attrHandler  = attribute.Key("verification.handler")
	attrShard    = attribute.Key("verification.shard")
	attrLoop     = attribute.Key("verification.loop")
	attrCall     = attribute.Key("verification.call")
	attrDetached = attribute.Key("verification.detached")
	attrNotSent  = attribute.Key("verification.not_sent")
)

// Attributes of OpenTelemetry's semantic conventions.
const (
	attrError    = attribute.Key("error.type")
	attrMethod   = attribute.Key("http.request.method")
	attrStatus   = attribute.Key("http.response.status_code")
	attrProtocol = attribute.Key("network.protocol.version")
	attrServer   = attribute.Key("server.address")
	attrPort     = attribute.Key("server.port")
	attrTemplate = attribute.Key("url.template")
)

// stringAttr returns an attribute with a value of a string type.
func stringAttr[S ~string](key attribute.Key, value S) attribute.KeyValue {
	return key.String(string(value))
}

// nonEmpty removes attributes with the value "" or 0, in place.
func nonEmpty(list ...attribute.KeyValue) []attribute.KeyValue {
	return slices.DeleteFunc(list, func(a attribute.KeyValue) bool {
		switch a.Value.Type() {
		case attribute.STRING:
			return a.Value.AsString() == ""
		case attribute.INT64:
			return a.Value.AsInt64() == 0
		default:
			return false
		}
	})
}
