package carrierfsm

import (
	"bytes"
	"fmt"
	"time"

	"github.com/carrierfsm/carrierfsm/internal/text"
	"github.com/carrierfsm/carrierfsm/typed"
)

// Bounds of what a person or a host may pass, in bytes.
const (
	maxSecret = 128
	maxField  = 512
	maxCarry  = 4096
	maxName   = 128
)

// The times that this package writes are between these. A store keeps them up to
// the year 9999, which leaves room for the longest deadlines.
var (
	firstTime = time.UnixMicro(1).UTC()
	lastTime  = time.Date(9000, 1, 1, 0, 0, 0, 0, time.UTC)
)

// invalid returns an error that matches ErrInvalid.
func invalid(why string) error { return fmt.Errorf("%w: %s", ErrInvalid, why) }

// firstError returns the first error that is not nil.
func firstError(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// orDefault sets a field that is zero to its default, and refuses a negative one.
func orDefault[T int | time.Duration](field *T, standard T) error {
	if *field < 0 {
		return invalid("a negative value in Config")
	}
	if *field == 0 {
		*field = standard
	}
	return nil
}

// checkName refuses a name that is not 1 to maxBytes bytes of printable ASCII
// without spaces, or that looks like a phone number.
func checkName(what, name string, maxBytes int) error {
	switch {
	case len(name) > maxBytes || !text.PlainName(name):
		return invalid(fmt.Sprintf("the %s is not 1 to %d bytes of printable ASCII without spaces", what, maxBytes))
	case text.PhoneNumber(name):
		return invalid("the " + what + " looks like a phone number")
	}
	return nil
}

// checkReference refuses what NewVerification.Reference must not be.
func checkReference(reference string) error {
	switch {
	case len(reference) > maxName || !text.Printable(reference):
		return invalid(fmt.Sprintf("the reference is not at most %d bytes of UTF-8 without control characters", maxName))
	case text.PhoneNumber(reference):
		return invalid("the reference looks like a phone number")
	}
	return nil
}

func checkStep(step int) error {
	if step <= 0 {
		return invalid("the input names no step")
	}
	return nil
}

func checkSecret(what string, s Secret) (err error) {
	s.Use(func(value []byte) {
		switch {
		case len(value) == 0:
			err = invalid("the " + what + " is empty")
		case len(value) > maxSecret:
			err = invalid("the " + what + " is too long")
		case !text.PrintableBytes(value):
			err = invalid("the " + what + " has control characters or invalid UTF-8")
		}
	})
	return err
}

// checkCode refuses what holds no code. It is called after fold.
func checkCode(s Secret) (err error) {
	s.Use(func(value []byte) { _, err = typed.Code(value) })
	if err != nil {
		return fmt.Errorf("%w: %w", ErrInvalid, err)
	}
	return nil
}

// checkTyped refuses a secret that read, a function of package typed, can't read.
func checkTyped(s Secret, read func([]byte) ([]byte, error)) (err error) {
	var meant []byte
	s.Use(func(value []byte) {
		if meant, err = read(value); len(meant) > 0 && &meant[0] != &value[0] {
			clear(meant)
		}
	})
	if s.Empty() {
		_, err = read(nil)
	}
	return err
}

// folded returns the value that read finds in a typed secret, and destroys the typed
// one. If read refuses the secret, folded returns it unchanged.
func folded(s Secret, read func([]byte) ([]byte, error)) (meant Secret) {
	s.Use(func(value []byte) {
		if v, err := read(value); err == nil && !bytes.Equal(v, value) {
			meant = NewSecret(v)
			clear(v)
		}
	})
	if meant.Empty() {
		return s
	}
	s.Destroy()
	return meant
}

func checkCarry(carry Secret) (err error) {
	carry.Use(func(value []byte) {
		if len(value) > maxCarry {
			err = invalid("the carry is too long")
		}
	})
	return err
}

// checkFields refuses values that are too long or not printable.
func checkFields(values ...string) error {
	for _, v := range values {
		if err := checkField(len(v), text.Printable(v)); err != nil {
			return err
		}
	}
	return nil
}

// checkPersonal is checkFields for a personal value, of which it makes no copy.
func checkPersonal(s Secret) (err error) {
	s.Use(func(value []byte) { err = checkField(len(value), text.PrintableBytes(value)) })
	return err
}

func checkField(size int, printable bool) error {
	switch {
	case size > maxField:
		return invalid("a field is too long")
	case !printable:
		return invalid("a field has control characters or invalid UTF-8")
	}
	return nil
}
