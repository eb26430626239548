package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"github.com/carrierfsm/carrierfsm/httpapi"
)

// host is whose service it is, as the file of -host says: page/demo.json is an example.
type host struct {
	ConsentVersion string    `json:"consent_version"`
	Logo           string    `json:"logo,omitempty"` // an image beside the file; empty: the page's icon
	Chinese        hostWords `json:"zh"`
	English        hostWords `json:"en"`

	logo []byte
}

// hostWords are the texts of a host in one language.
type hostWords struct {
	Name    string           `json:"name"`
	Help    httpapi.Link     `json:"help"`   // how to reach the host: https:, tel: or mailto:
	Return  httpapi.Link     `json:"return"` // where to go on when the verification is done: https:, or a path of this site
	Consent httpapi.Document `json:"consent"`
}

// maxLogo bounds the logo, which each visitor loads.
const maxLogo = 256 << 10

// openHost reads the host's file. Without one it is the demonstration's, which is for the
// built-in simulator only: real persons agree to the text of their own host.
func openHost(o options) (h host, err error) {
	demo, err := parseHost(demoHost())
	switch {
	case err != nil || o.host == "" && o.isDemo():
		return demo, err
	case o.host == "":
		return h, fmt.Errorf("with -upstream %s real persons agree to a text: -host is the file with yours, as page/demo.json: %w", o.upstream, errUsage)
	}
	text, err := os.ReadFile(o.host)
	if err == nil {
		h, err = parseHost(text)
	}
	if err == nil && h.Logo != "" {
		h.logo, err = readLogo(filepath.Join(filepath.Dir(o.host), h.Logo))
	}
	switch {
	case err != nil:
		return h, fmt.Errorf("-host %s: %w: %w", o.host, err, errUsage)
	case !o.isDemo() && h.hasTextOf(demo):
		return h, fmt.Errorf("-host %s: its consent is that of the demonstration: %w", o.host, errUsage)
	}
	return h, nil
}

// isDemo reports whether the people are invented.
func (o options) isDemo() bool { return o.upstream == "" || o.upstream == "simulator" }

func demoHost() []byte {
	text, err := pages.ReadFile("page/demo.json")
	if err != nil {
		panic(err) // it is embedded
	}
	return text
}

func parseHost(text []byte) (h host, err error) {
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&h); err != nil {
		return h, err
	}
	for _, lang := range []string{"zh", "en"} {
		w := h.words(lang)
		switch {
		case w.Name == "":
			return h, fmt.Errorf("%s.name is empty", lang)
		case w.Help.Label == "" || !hasScheme(w.Help.Href, "https", "tel", "mailto"):
			return h, fmt.Errorf("%s.help is no label with an https:, tel: or mailto: address", lang)
		case w.Return.Label == "" || !hasScheme(w.Return.Href, "https", ""):
			return h, fmt.Errorf("%s.return is no label with an https: address or a path", lang)
		}
	}
	return h, h.consent().Check()
}

func hasScheme(address string, schemes ...string) bool {
	u, err := url.Parse(address)
	if err != nil || address == "" {
		return false
	}
	for _, scheme := range schemes {
		if u.Scheme == scheme && (scheme != "https" || u.Host != "") && (scheme != "" || u.Host == "" && address[0] == '/') {
			return true
		}
	}
	return false
}

func readLogo(path string) ([]byte, error) {
	if kind := mime.TypeByExtension(filepath.Ext(path)); kind != "image/svg+xml" && kind != "image/png" {
		return nil, errors.New("the logo is no .svg or .png file")
	}
	logo, err := os.ReadFile(path)
	if err == nil && len(logo) > maxLogo {
		err = fmt.Errorf("the logo has more than %d bytes", maxLogo)
	}
	return logo, err
}

// words returns the texts in a language.
func (h host) words(lang string) hostWords {
	if lang == "en" {
		return h.English
	}
	return h.Chinese
}

// consent returns what persons agree to.
func (h host) consent() httpapi.Consent {
	return httpapi.Consent{
		Policy: h.ConsentVersion, Channel: "web",
		Documents: map[string]httpapi.Document{"zh": h.Chinese.Consent, "en": h.English.Consent},
	}
}

// hasTextOf reports whether the consent of both is the same.
func (h host) hasTextOf(demo host) bool {
	return h.ConsentVersion == demo.ConsentVersion || h.Chinese.Consent == demo.Chinese.Consent || h.English.Consent == demo.English.Consent
}

// serveLogo serves the host's logo, or the page's icon.
func (s *site) serveLogo(w http.ResponseWriter, r *http.Request) {
	if s.owner.logo == nil {
		file("icon.svg")(w, r)
		return
	}
	http.ServeContent(w, r, s.owner.Logo, time.Time{}, bytes.NewReader(s.owner.logo))
}
