package carrierfsm

import (
	"fmt"
	"slices"
	"time"

	"github.com/carrierfsm/carrierfsm/typed"
)

const (
	maxContacts = 20
	maxSources  = 10
)

// Form is what upstream wants to know about the person. It is passed on and
// not stored, but for the phone number.
type Form struct {
	// Name, IDCard (the number) and Phone (a mobile number of mainland China) are
	// required: see Check.
	Name, IDCard, Phone Secret
	// HomeAddress, HomePhone, WorkAddress and WorkPhone may be empty.
	HomeAddress, HomePhone, WorkAddress, WorkPhone Secret
	// Contacts may be empty; at most 20.
	Contacts []Contact
	// Sources are data sources to collect from beside the operator's own, for
	// upstreams that allow a choice: see juxinli.Config.ApplicationsV3. Each has
	// its own prompts, one source after the other, all for the account of this
	// Phone. May be empty; at most 10.
	Sources []SourceChoice
}

// SourceChoice names a data source that is wanted.
type SourceChoice struct {
	// Name is upstream's name of the source: the Website of a Source.
	Name string
	// Category is upstream's category. Empty means "mobile".
	Category string
}

// Contact is a person whom the applicant named.
type Contact struct {
	// Name and Phone are required.
	Name, Phone Secret
	// Relation is upstream's contact_type. Empty means "1".
	Relation string
}

// Consent records what the person agreed to. It is stored and must not contain
// personal data.
type Consent struct {
	// Policy is the version of the text that the person agreed to.
	Policy string `json:"policy"`
	// At is when the person agreed.
	At time.Time `json:"at"`
	// Channel is how: "app", "web", "branch" …
	Channel string `json:"channel"`
}

// complete reports whether all three parts are set.
func (c Consent) complete() bool { return c.Policy != "" && c.Channel != "" && !c.At.IsZero() }

// fold replaces what was typed by what is meant. Phone numbers of other kinds, and
// numbers of other documents, stay as they were typed.
func (f *Form) fold() {
	f.Name, f.IDCard = folded(f.Name, typed.Name[[]byte]), folded(f.IDCard, typed.IDCard[[]byte])
	for _, phone := range []*Secret{&f.Phone, &f.HomePhone, &f.WorkPhone} {
		*phone = folded(*phone, typed.Phone[[]byte])
	}
	f.Contacts = slices.Clone(f.Contacts) // the caller's
	for i := range f.Contacts {
		f.Contacts[i].Phone = folded(f.Contacts[i].Phone, typed.Phone[[]byte])
	}
}

// Check returns why Submit would refuse the form in any verification; nil if it would
// not. The error matches ErrInvalid. Where a field can't be read it also matches the error
// of package typed for that field: the name, the ID card number with its check digit, or
// the phone number. The number of another document is taken if it has a letter. A host
// calls Check before it creates a verification. The form is not changed.
func (f Form) Check() error {
	err := firstError(
		checkTyped(f.Name, typed.Name[[]byte]), checkTyped(f.IDCard, document), checkTyped(f.Phone, typed.Phone[[]byte]),
	)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrInvalid, err)
	}
	if len(f.Contacts) > maxContacts {
		return invalid("too many contacts")
	}
	for _, c := range f.Contacts {
		if c.Name.Empty() || c.Phone.Empty() {
			return invalid("a contact lacks a name or a phone number")
		}
		if err := checkFields(c.Relation); err != nil {
			return err
		}
	}
	if len(f.Sources) > maxSources {
		return invalid("too many data sources")
	}
	for _, s := range f.Sources {
		if s.Name == "" {
			return invalid("a data source lacks its name")
		}
		if err := checkFields(s.Name, s.Category); err != nil {
			return err
		}
	}
	for s := range f.personal {
		if err := checkPersonal(s); err != nil {
			return err
		}
	}
	return nil
}

// document reads the number of an ID card, or takes one of another document, which has
// five letters and digits at least and a letter among them.
func document(value []byte) ([]byte, error) {
	number, err := typed.IDCard(value)
	if err == nil {
		return number, nil
	}
	letters, digits := 0, 0
	for _, b := range value {
		switch {
		case 'a' <= b|0x20 && b|0x20 <= 'z':
			letters++
		case '0' <= b && b <= '9':
			digits++
		}
	}
	mistyped := letters == 1 && digits > 9 && (value[len(value)-1]|0x20) == 'x' // an ID card
	if letters == 0 || letters+digits < 5 || mistyped {
		return nil, err
	}
	return value, nil
}

// personal yields the personal values of the form.
func (f *Form) personal(yield func(Secret) bool) {
	for _, s := range [...]Secret{f.Name, f.IDCard, f.Phone, f.HomeAddress, f.HomePhone, f.WorkAddress, f.WorkPhone} {
		if !yield(s) {
			return
		}
	}
	for _, c := range f.Contacts {
		if !yield(c.Name) || !yield(c.Phone) {
			return
		}
	}
}

// destroy destroys all personal values.
func (f *Form) destroy() {
	for s := range f.personal {
		s.Destroy()
	}
}
