package concurrency

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

	"github.com/carrierfsm/carrierfsm/bench/measure/runner"
	"github.com/carrierfsm/carrierfsm/upstream/simulator"
)

// Serve is the name of the task that serves an upstream in a child process.
const Serve = "serve"

// RunServer serves the simulator on loopback until its standard input ends, and
// prints its URL. Collect requests block until it is released.
func RunServer(ctx context.Context, _ runner.Job) (any, error) {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	h := &blockingServer{Server: simulator.New(simulator.Config{}), release: make(chan struct{})}
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

// The paths that are not the simulator's.
const (
	releasePath = "/bench/release"
	blockedPath = "/bench/waiting"
)

// blockingServer is a simulator that blocks collect requests.
type blockingServer struct {
	*simulator.Server
	release chan struct{}
	blocked atomic.Int64
}

// ServeHTTP implements http.Handler.
func (h *blockingServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch {
	case r.URL.Path == releasePath:
		close(h.release)
		return
	case r.URL.Path == blockedPath:
		_, _ = fmt.Fprint(w, h.blocked.Load())
		return
	case strings.Contains(r.URL.Path, "/messages/collect/"):
		h.blocked.Add(1)
		<-h.release
	}
	h.Server.ServeHTTP(w, r)
}
