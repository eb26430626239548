package carrierfsm

import "context"

// maxOperator bounds the name of an operator, in bytes.
const maxOperator = 64

// operatorKey is the context's key for the name of an operator.
type operatorKey struct{}

// ByOperator tells who acts: Cancel, Expire and Erase under the returned
// context put the name into the history, as Detail.By, and Replay into the
// parked row and the log. A cancellation that has to wait keeps it until it
// takes effect.
//
// The name is 1 to 64 bytes of printable ASCII without spaces, a login for
// instance, and no phone number; those operations return ErrInvalid for any
// other. Without ByOperator no name is kept: the host acted by itself, or the
// person did.
func ByOperator(ctx context.Context, name string) context.Context {
	return context.WithValue(ctx, operatorKey{}, name)
}

// operator is who acts under ctx; empty where nobody was named.
func operator(ctx context.Context) (string, error) {
	name, named := ctx.Value(operatorKey{}).(string)
	switch {
	case !named:
		return "", nil
	case len(name) > maxOperator || !plainName(name):
		return "", invalid("the operator's name is not 1 to 64 bytes of printable ASCII without spaces")
	case phoneNumber(name):
		return "", invalid("the operator's name looks like a phone number")
	}
	return name, nil
}
