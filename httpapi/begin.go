package httpapi

import (
	"context"
	"errors"
	"slices"

	"github.com/carrierfsm/carrierfsm"
)

// begin creates a verification with its form, or submits the form to the one that has
// the id already, and waits as await does. It reports whether it created one. A form
// that is refused creates nothing.
func (a *API) begin(ctx context.Context, n carrierfsm.NewVerification, in carrierfsm.Apply) (v carrierfsm.Verification, created bool, err error) {
	again := in // Begin destroys the form
	again.Form = clone(in.Form)
	in.Step = 0
	exists := make(chan struct{})
	v, err = a.await(ctx, n.ID, func(ctx context.Context) (carrierfsm.Verification, error) {
		v, err := a.Machine.Begin(ctx, n, in)
		if !errors.Is(err, carrierfsm.ErrExists) {
			destroy(again.Form)
			return v, err
		}
		close(exists)
		return a.Machine.Submit(ctx, n.ID, again)
	})
	if v.ID == "" && errors.Is(err, carrierfsm.ErrNotFound) { // the store is slow
		err = carrierfsm.ErrStore
	}
	select {
	case <-exists:
		return v, false, err
	default:
		return v, true, err
	}
}

// secretsOf are the secrets of a form.
func secretsOf(f *carrierfsm.Form) []*carrierfsm.Secret {
	list := []*carrierfsm.Secret{&f.Name, &f.IDCard, &f.Phone, &f.HomeAddress, &f.HomePhone, &f.WorkAddress, &f.WorkPhone}
	for i := range f.Contacts {
		list = append(list, &f.Contacts[i].Name, &f.Contacts[i].Phone)
	}
	return list
}

// clone returns a form with copies of the secrets.
func clone(f carrierfsm.Form) carrierfsm.Form {
	f.Contacts = slices.Clone(f.Contacts)
	for _, s := range secretsOf(&f) {
		s.Use(func(value []byte) { *s = carrierfsm.NewSecret(value) })
	}
	return f
}

// destroy destroys the secrets of a form that is not submitted.
func destroy(f carrierfsm.Form) {
	for _, s := range secretsOf(&f) {
		s.Destroy()
	}
}
