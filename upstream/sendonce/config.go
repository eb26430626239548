package sendonce

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

// Config configures a Client. BaseURL is required.
type Config struct {
	// BaseURL is the API's: HTTPS, or HTTP to loopback. It may have a path, but no
	// user, query or fragment.
	BaseURL string
	// Timeout bounds a whole request, in addition to the deadline of its context.
	// Upstreams are slow: integrators wait 60 to 300 s. Defaults to 180 s.
	Timeout time.Duration
	// DialTimeout bounds the connection and its TLS handshake together. Defaults to 10 s.
	DialTimeout time.Duration
	// TLS is the configuration of TLS; New copies it, and refuses one that does not
	// verify the server, or allows less than TLS 1.2: for a test, or for the
	// certificate of an own authority, set RootCAs. Its NextProtos are not
	// used: the client speaks HTTP/1.1. Defaults to Go's.
	TLS *tls.Config
	// Proxy chooses a proxy, as http.Transport's does; it needs an HTTPS
	// BaseURL. Through a proxy every failure after the connection counts as
	// unknown. The function does not receive the query of the URL. Defaults to none:
	// the environment is used only if this is http.ProxyFromEnvironment.
	Proxy func(*http.Request) (*url.URL, error)
	// MaxBody is the size of the largest response body that is read, in bytes, at
	// most LargestBody. Defaults to 1 MiB.
	MaxBody int64
	// UserAgent is sent with every request. Defaults to "carrierfsm".
	UserAgent string
	// Observer's function Exchange is called for each HTTP request. Use the
	// Machine's observer. Defaults to none.
	Observer *carrierfsm.Observer
}

// LargestBody is the largest MaxBody, in bytes.
const LargestBody = 1 << 30

// withDefaults sets the defaults, and copies the configuration of TLS.
func (c Config) withDefaults() Config {
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
	c.Proxy = withoutQuery(c.Proxy)
	c.TLS = c.TLS.Clone()
	if c.TLS == nil {
		c.TLS = new(tls.Config)
	}
	c.TLS.NextProtos = []string{"http/1.1"} // HTTP/2 repeats requests by itself
	if c.TLS.MinVersion == 0 {
		c.TLS.MinVersion = tls.VersionTLS12 // also if GODEBUG says otherwise
	}
	return c
}

// check validates the configuration. Its errors don't quote the BaseURL, which
// may hold a password.
func (c Config) check() (*url.URL, error) {
	base, err := url.Parse(c.BaseURL)
	switch {
	case err != nil || base.Hostname() == "":
		return nil, errors.New("sendonce: BaseURL is no URL")
	case base.User != nil || base.RawQuery != "" || base.ForceQuery || strings.Contains(c.BaseURL, "#"):
		return nil, errors.New("sendonce: BaseURL must have no user, query or fragment")
	case base.Scheme != "https" && (base.Scheme != "http" || !loopback(base.Hostname())):
		return nil, errors.New("sendonce: BaseURL must be HTTPS, or HTTP to loopback")
	case base.Scheme != "https" && c.Proxy != nil:
		return nil, errors.New("sendonce: through a proxy BaseURL must be HTTPS")
	case c.TLS.InsecureSkipVerify:
		return nil, errors.New("sendonce: TLS without verification would show secrets to anyone between; use RootCAs")
	case c.TLS.MinVersion < tls.VersionTLS12 || c.TLS.MaxVersion != 0 && c.TLS.MaxVersion < tls.VersionTLS12:
		return nil, errors.New("sendonce: TLS has to be 1.2 or later")
	case c.Timeout < 0 || c.DialTimeout < 0 || c.MaxBody < 0 || c.MaxBody > LargestBody:
		return nil, errors.New("sendonce: a bound is negative or too large")
	}
	return base, nil
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// withoutQuery calls a proxy function with a request whose URL has no query.
func withoutQuery(proxy func(*http.Request) (*url.URL, error)) func(*http.Request) (*url.URL, error) {
	if proxy == nil {
		return nil
	}
	return func(r *http.Request) (*url.URL, error) {
		r = r.Clone(r.Context())
		r.URL.RawQuery = ""
		return proxy(r)
	}
}
