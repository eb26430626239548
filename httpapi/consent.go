package httpapi

import (
	"errors"
	"fmt"
)

// Consent is what the persons of a host agree to. Change Policy with the text.
type Consent struct {
	// Policy is the version of the text. It is required.
	Policy string
	// Channel is stored as carrierfsm.Consent.Channel. Empty means "web".
	Channel string
	// Documents is the text by language, "zh" and "en". It is served with each Screen that
	// asks for the form, and a form then has to agree twice: to the document, and by a
	// separate tick to the use of sensitive data. Empty where the host shows a text of its
	// own; then the form agrees once.
	Documents map[string]Document
}

// Document is what a person agrees to, in one language. No part may be empty: where
// nothing is passed on, say so.
type Document struct {
	Collector  string `json:"collector"`  // who collects: the registered name
	Data       string `json:"data"`       // what is collected
	Purpose    string `json:"purpose"`    // what for
	Recipients string `json:"recipients"` // who else receives it
	Retention  string `json:"retention"`  // for how long it is kept
	Rights     string `json:"rights"`     // how to withdraw the consent and have the data deleted
	Contact    string `json:"contact"`    // whom to ask
	Sensitive  string `json:"sensitive"`  // what the separate tick agrees to: the sensitive data, and why it is needed
}

// Check returns what is missing: the Policy, a language or a part of a document; nil
// if the consent is complete. New accepts one without any document.
func (c Consent) Check() error {
	if c.Policy == "" {
		return errors.New("httpapi: Consent.Policy is empty")
	}
	for _, w := range []*Words{chinese, english} {
		d, found := c.Documents[w.lang]
		if !found {
			return fmt.Errorf("httpapi: Consent.Documents has none in %q", w.lang)
		}
		for name, part := range map[string]string{
			"Collector": d.Collector, "Data": d.Data, "Purpose": d.Purpose, "Recipients": d.Recipients,
			"Retention": d.Retention, "Rights": d.Rights, "Contact": d.Contact, "Sensitive": d.Sensitive,
		} {
			if part == "" {
				return fmt.Errorf("httpapi: Consent.Documents[%q].%s is empty", w.lang, name)
			}
		}
	}
	return nil
}

// isSeparate reports whether a form has to agree to sensitive data by a tick of its own.
func (c Consent) isSeparate() bool { return len(c.Documents) > 0 }

// Terms is a Document for a page.
type Terms struct {
	Title   string `json:"title"`
	Version string `json:"version"`
	Parts   []Part `json:"parts"`
}

// Part is a part of Terms.
type Part struct {
	Heading string `json:"heading"`
	Text    string `json:"text"`
}

// terms returns the document in this language; nil where there is none.
func (w *Words) terms(c Consent) *Terms {
	d, found := c.Documents[w.lang]
	if !found {
		return nil
	}
	h := w.document
	return &Terms{Title: h.title, Version: fill(h.version, "version", c.Policy), Parts: []Part{
		{h.collector, d.Collector},
		{h.data, d.Data},
		{h.purpose, d.Purpose},
		{h.recipients, d.Recipients},
		{h.retention, d.Retention},
		{h.rights, d.Rights},
		{h.contact, d.Contact},
	}}
}
