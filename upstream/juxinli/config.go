package juxinli

import (
	"crypto/tls"
	"net/http"
	"net/url"
	"time"

	"github.com/carrierfsm/carrierfsm"
)

// Config configures a Client. Org is required.
type Config struct {
	// BaseURL is the API's: HTTPS, or HTTP to loopback. It may have a path, but no
	// user, query or fragment. Defaults to "https://www.juxinli.com".
	BaseURL string
	// Org is the institution's account name, which is part of the paths.
	Org string
	// ApplicationsV3 selects version 3 of the application call, which also takes
	// the Sources of a form. Defaults to version 2.
	ApplicationsV3 bool
	// Timeout bounds a whole call, in addition to the deadline of its context.
	// Upstream is slow: integrators wait 60 to 300 s. Defaults to 180 s.
	Timeout time.Duration
	// DialTimeout bounds the connection and its TLS handshake together. Defaults to 10 s.
	DialTimeout time.Duration
	// TLS is the configuration of TLS; New copies it, and refuses one that does not
	// verify the server, or allows less than TLS 1.2. Its NextProtos are not
	// used: the client speaks HTTP/1.1. Defaults to Go's.
	TLS *tls.Config
	// Proxy chooses a proxy; see sendonce.Config. Defaults to none.
	Proxy func(*http.Request) (*url.URL, error)
	// MaxBody is the size of the largest response body that is read, in bytes, at
	// most 1 GiB. Defaults to 1 MiB.
	MaxBody int64
	// UserAgent is sent with every request. Defaults to "carrierfsm".
	UserAgent string
	// Observer's function Exchange is called for each HTTP request. Use the
	// Machine's observer. Defaults to none.
	Observer *carrierfsm.Observer
}

// withDefaults sets the defaults that are not those of sendonce.Config.
func (c Config) withDefaults() Config {
	if c.BaseURL == "" {
		c.BaseURL = "https://www.juxinli.com"
	}
	if c.Timeout == 0 {
		c.Timeout = 180 * time.Second
	}
	return c
}
