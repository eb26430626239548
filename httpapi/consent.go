package httpapi

// Consent is what the persons of a host agree to. Change Policy with the text.
type Consent struct {
	// Policy is the version of the text. It is required.
	Policy string
	// Channel is stored as carrierfsm.Consent.Channel. Empty means "web".
	Channel string
	// Terms is the text, in paragraphs, by language: "zh" and "en". It is served with
	// each Screen that asks for the form.
	Terms map[string][]string
}
