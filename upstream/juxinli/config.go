package juxinli

import (
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/carrierfsm/carrierfsm"
)

// Config is what a Client is made of. Org is required.
type Config struct {
	// BaseURL is where the API is: HTTPS, or HTTP to loopback, perhaps with a
	// path, without a user, a query or a fragment. Defaults to
	// "https://www.juxinli.com".
	BaseURL string
	// Org is the institution's account name, which stands in the paths.
	Org string
	// ApplicationsV3 hands the form in by version 3 of that call, which also takes
	// the Sources of a form. Defaults to version 2.
	ApplicationsV3 bool
	// Timeout is for a whole call, beside the deadline of its context. Upstream
	// is slow: integrators wait 60 to 300 s. Defaults to 180 s.
	Timeout time.Duration
	// DialTimeout is for the connection and its TLS handshake together. Defaults to 10 s.
	DialTimeout time.Duration
	// TLS is the configuration of TLS; New copies it. Its NextProtos are not
	// used: the client speaks HTTP/1.1. Defaults to Go's.
	TLS *tls.Config
	// Proxy chooses a proxy, as http.Transport's does; it needs an HTTPS
	// BaseURL. Through a proxy every failure after the connection counts as
	// unknown. Defaults to none; the environment is not looked at unless this
	// is http.ProxyFromEnvironment.
	Proxy func(*http.Request) (*url.URL, error)
	// MaxBody is the largest answer that is read, in bytes, at most 1 GiB.
	// Defaults to 1 MiB.
	MaxBody int64
	// UserAgent is sent with every request. Defaults to "carrierfsm".
	UserAgent string
	// Observer is told of each HTTP request, by its Exchange and nothing else;
	// give it the Machine's. Defaults to none.
	Observer *carrierfsm.Observer
}

// bodyLimit is what MaxBody may be at most.
const bodyLimit = 1 << 30

// withDefaults fills in what is zero, and copies what the caller might change.
func (c Config) withDefaults() Config {
	if c.BaseURL == "" {
		c.BaseURL = "https://www.juxinli.com"
	}
	if c.Timeout == 0 {
		c.Timeout = 180 * time.Second
	}
	if c.DialTimeout == 0 {
		c.DialTimeout = 10 * time.Second
	}
	if c.MaxBody == 0 {
		c.MaxBody = 1 << 20
	}
	if c.UserAgent == "" {
		c.UserAgent = "carrierfsm"
	}
	c.TLS = c.TLS.Clone()
	if c.TLS == nil {
		c.TLS = new(tls.Config)
	}
	c.TLS.NextProtos = []string{"http/1.1"} // HTTP/2 repeats requests by itself
	return c
}

// check tells what is wrong; it repeats nothing of the BaseURL, which might
// hold a password.
func (c Config) check() (*url.URL, error) {
	base, err := url.Parse(c.BaseURL)
	switch {
	case err != nil || base.Hostname() == "":
		return nil, errors.New("juxinli: BaseURL is no URL")
	case base.User != nil || base.RawQuery != "" || base.ForceQuery || strings.Contains(c.BaseURL, "#"):
		return nil, errors.New("juxinli: BaseURL must have no user, query or fragment")
	case base.Scheme != "https" && (base.Scheme != "http" || !loopback(base.Hostname())):
		return nil, errors.New("juxinli: BaseURL must be HTTPS, or HTTP to loopback")
	case base.Scheme != "https" && c.Proxy != nil:
		return nil, errors.New("juxinli: through a proxy BaseURL must be HTTPS")
	case c.Org == "":
		return nil, errors.New("juxinli: Org is required")
	case c.Timeout < 0 || c.DialTimeout < 0 || c.MaxBody < 0 || c.MaxBody > bodyLimit:
		return nil, errors.New("juxinli: a bound is negative or too large")
	}
	return base, nil
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}
