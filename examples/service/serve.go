package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/telemetry"
)

// closing is how long the end of the program waits for what is under way.
const closing = 10 * time.Second

// serve puts everything together and serves until ctx ends.
func serve(ctx context.Context, o options, out io.Writer, logger *slog.Logger) error {
	keys, err := openKeys(o)
	if err != nil {
		return err
	}
	store, closeStore, err := openStore(ctx, o.store)
	if err != nil {
		return err
	}
	defer closeStore()
	metrics, err := telemetry.New(telemetry.Config{}) // with the providers that a host sets; without them, nothing
	if err != nil {
		return err
	}
	up, err := openUpstream(o, metrics.Observer())
	if err != nil {
		return err
	}
	defer up.close()
	changes := newChanges()
	machine, err := carrierfsm.New(carrierfsm.Config{
		Store:       store,
		Upstream:    up.upstream,
		Sealer:      keys.sealer,
		Handlers:    map[string]carrierfsm.Handler{"notify": notify(logger)},
		Limits:      o.machine,
		CallTimeout: o.call,
		Observer:    carrierfsm.Observers(metrics.Observer(), changes.observer()),
		Logger:      logger,
	})
	if err != nil {
		return err
	}
	watch, err := metrics.Watch(machine)
	if err != nil {
		return err
	}
	defer func() { _ = watch.Unregister() }()
	return (&site{
		options: o, machine: machine, keys: keys, cookies: cookies{o.https}, changes: changes,
		carries: newCarries(time.Now), simulated: up.simulated, log: logger,
	}).serve(ctx, out)
}

// notify is the handler of this host: it would write an order, send a message,
// ask for the report. It may be called again for the same (ID, Step).
func notify(logger *slog.Logger) carrierfsm.Handler {
	return func(ctx context.Context, t carrierfsm.Transition) error {
		if t.To.Terminal() {
			logger.InfoContext(ctx, "verification ended", "id", t.ID, "state", t.To, "event", t.Event)
		}
		return nil
	}
}

// serve runs the machine and the HTTP servers, and ends them in order: no new
// requests, no loops, no submissions.
func (s *site) serve(ctx context.Context, out io.Writer) error {
	listener, err := listen(ctx, s.addr)
	if err != nil {
		return err
	}
	operators, err := s.openOperators(ctx)
	if err != nil {
		_ = listener.Close()
		return err
	}
	server := newServer(s.routes(), s.patience+15*time.Second) // an answer may wait as long as that
	background, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	var running sync.WaitGroup
	running.Go(func() { _ = s.machine.Run(background) }) // returns nil, when it is stopped
	served := make(chan error, 2)
	running.Go(func() { served <- server.Serve(listener) })
	_, _ = fmt.Fprintf(out, "Open http://%s/\n", listener.Addr())
	if operators != nil {
		running.Go(func() { served <- operators.server.Serve(operators.listener) })
		_, _ = fmt.Fprintf(out, "Operators open http://%s/ as %s, password %s\n", operators.listener.Addr(), operatorName, operators.password)
	}

	select {
	case err = <-served: // it could not go on
	case <-ctx.Done():
	}
	end, cancel := context.WithTimeout(background, closing)
	defer cancel()
	s.changes.close() // whoever waits for changes gets an answer now
	if e := errors.Join(server.Shutdown(end), operators.close(end), s.machine.Close(end)); e != nil {
		s.log.Warn("not all that was under way came to its end", "error", e)
		_ = server.Close()
	}
	stop()
	running.Wait()
	return err
}

func listen(ctx context.Context, addr string) (net.Listener, error) {
	var on net.ListenConfig
	listener, err := on.Listen(ctx, "tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", err, errUsage)
	}
	return listener, nil
}

// newServer is a server with a bound for everything; write is how long an
// answer may take, from the request on.
func newServer(handler http.Handler, write time.Duration) *http.Server {
	return &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       15 * time.Second,
		WriteTimeout:      write,
		IdleTimeout:       time.Minute,
		MaxHeaderBytes:    16 << 10,                                                // two cookies of 4 KB, and what browsers send
		ErrorLog:          slog.NewLogLogger(slog.DiscardHandler, slog.LevelError), // its lines name addresses of persons
	}
}
