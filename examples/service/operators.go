package main

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/carrierfsm/carrierfsm/console"
)

// operatorName is the only operator of this example.
const operatorName = "operator"

// errStranger is why a request is shown nothing.
var errStranger = errors.New("not the name and password that were printed at the start")

// operators is the operators' console, at an address of its own: it is not for
// the network that persons come from. A host mounts the console behind its own
// authentication instead, and may do so on a server that it has.
type operators struct {
	password string // of this run alone
	listener net.Listener
	server   *http.Server
}

// openOperators makes the console's server, which does not serve yet; nil where
// -console asks for none.
func (s *site) openOperators(ctx context.Context) (*operators, error) {
	if s.console == "" {
		return nil, nil //nolint:nilnil // there is none, and nothing is wrong
	}
	o := &operators{password: rand.Text()}
	pages, err := console.New(console.Config{Machine: s.machine, Authorize: o.authorize, Title: "Verifications", Logger: s.log})
	if err != nil {
		return nil, err
	}
	o.listener, err = listen(ctx, s.console)
	o.server = newServer(o.challenged(pages), consolePatience)
	return o, err
}

// consolePatience is more than a cancellation from the console waits for an
// answer under way, which is 10 s.
const consolePatience = 20 * time.Second

// authorize is this example's stand-in for a host's authentication: one name,
// and a password by HTTP basic authentication that is made at each start and
// printed. A host looks up the session of its own staff here, takes Name from
// their login and Access from their role, and bounds how often one may try.
func (o *operators) authorize(r *http.Request) (console.Operator, error) {
	name, password, _ := r.BasicAuth()
	if name != operatorName || subtle.ConstantTimeCompare([]byte(password), []byte(o.password)) != 1 {
		return console.Operator{}, errStranger
	}
	return console.Operator{Name: name, Access: console.Act}, nil
}

// challenged has a browser ask for the name and the password, again where they
// are wrong.
func (o *operators) challenged(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, err := o.authorize(r); err != nil {
			w.Header().Set("WWW-Authenticate", `Basic realm="Verifications", charset="UTF-8"`)
			http.Error(w, "The operators' console asks for its name and password.", http.StatusUnauthorized)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// checkLoopback refuses an address that others could reach: the password goes
// over it in the clear. An empty one is none.
func checkLoopback(addr string) error {
	if addr == "" {
		return nil
	}
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return fmt.Errorf("%w: %w", err, errUsage)
	}
	if ip := net.ParseIP(host); host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return fmt.Errorf("-console %s is no loopback address, and its password would go there in the clear: %w", addr, errUsage)
	}
	return nil
}

// close ends the server, at ctx's end whatever is under way; nil has none.
func (o *operators) close(ctx context.Context) error {
	if o == nil {
		return nil
	}
	err := o.server.Shutdown(ctx)
	if err != nil {
		_ = o.server.Close()
	}
	return err
}
