package main

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/carrierfsm/carrierfsm/console"
)

// operatorName is the only operator of this example.
const operatorName = "operator"

// errUnauthorized is returned for another name or password.
var errUnauthorized = errors.New("not the name and password that were printed at the start")

// operators is the server of the operators' console. It has its own address, which
// persons can't reach. A host mounts the console behind its own authentication
// instead, and may use an existing server.
type operators struct {
	password string     // of this process
	mu       sync.Mutex // one password at a time
	attempts *limiter
	listener net.Listener
	server   *http.Server
}

// openOperators returns the console's server, which listens but does not serve yet;
// nil without -console.
func (s *site) openOperators(ctx context.Context) (*operators, error) {
	if s.console == "" {
		return nil, nil //nolint:nilnil // none is no error
	}
	o := &operators{password: rand.Text(), attempts: newLimiter(wrongPasswords, time.Now, nil)}
	pages, err := console.New(console.Config{Machine: s.machine, Dispatcher: s.dispatcher, Figures: s.counters, Acts: s.store, NumberKey: s.keys.numbers.Key, Authorize: o.authorize, Title: "Verifications", Challenge: `Basic realm="Verifications", charset="UTF-8"`, Logger: s.log})
	if err != nil {
		return nil, err
	}
	o.listener, err = listen(ctx, s.console)
	o.server = newServer(pages, consoleWriteTimeout)
	return o, err
}

// wrongPasswords is how many wrong passwords a client may send.
var wrongPasswords = rateLimit{burst: 5, perSecond: 1.0 / 60}

// consoleWriteTimeout is longer than a cancellation waits for a call in flight,
// which is 10 s.
const consoleWriteTimeout = 20 * time.Second

// authorize stands for a host's authentication: HTTP basic authentication with one
// name, and a password that is created and printed at each start. A host would look
// up the session of its staff, and take Name from the login and Access from the role.
// Each wrong password takes a token of the client; without one a right password is
// refused too, or guessing would go on. The console logs what is refused.
func (o *operators) authorize(r *http.Request) (console.Operator, error) {
	name, password, given := r.BasicAuth()
	if !given {
		return console.Operator{}, errUnauthorized
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	wait, giveBack := o.attempts.reserve(clientAddress(r), 1)
	if wait > 0 {
		return console.Operator{}, fmt.Errorf("too many wrong passwords from %s, wait %v", clientAddress(r), wait)
	}
	if name != operatorName || subtle.ConstantTimeCompare([]byte(password), []byte(o.password)) != 1 {
		return console.Operator{}, fmt.Errorf("%w, from %s", errUnauthorized, clientAddress(r))
	}
	giveBack()
	return console.Operator{Name: name, Access: console.Act}, nil
}

// close shuts the server down, and closes it if ctx ends first. The receiver may be
// nil.
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
