package crowd

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"sync/atomic"
	"time"

	"github.com/carrierfsm/carrierfsm/bench/measure/lab"
	"github.com/carrierfsm/carrierfsm/upstream/simulator"
)

// Serve is the name of the task that is an upstream, in a process of its own.
const Serve = "serve"

// Serving serves the simulator on loopback and tells where, until its standard
// input ends. It answers no collecting before it is released.
func Serving(ctx context.Context, _ lab.Job) (any, error) {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	h := &held{Server: simulator.New(simulator.Config{}), release: make(chan struct{})}
	server := &http.Server{Handler: h, ReadHeaderTimeout: time.Minute}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(listener) }()
	if _, err := fmt.Fprintf(os.Stdout, "http://%s\n", listener.Addr()); err != nil {
		return nil, err
	}
	_, err = io.Copy(io.Discard, os.Stdin)
	err = errors.Join(err, server.Close())
	if e := <-ended; !errors.Is(e, http.ErrServerClosed) {
		err = errors.Join(err, e)
	}
	return nil, err
}

// The two paths that are not the simulator's.
const (
	releasePath = "/bench/release"
	waitingPath = "/bench/waiting"
)

// held is a simulator that holds back what it is asked to collect.
type held struct {
	*simulator.Server
	release chan struct{}
	waiting atomic.Int64
}

// ServeHTTP is http.Handler's.
func (h *held) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch {
	case r.URL.Path == releasePath:
		close(h.release)
		return
	case r.URL.Path == waitingPath:
		_, _ = fmt.Fprint(w, h.waiting.Load())
		return
	case strings.Contains(r.URL.Path, "/messages/collect/"):
		h.waiting.Add(1)
		<-h.release
	}
	h.Server.ServeHTTP(w, r)
}
