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
	"github.com/carrierfsm/carrierfsm/httpapi"
	"github.com/carrierfsm/carrierfsm/outbox"
	"github.com/carrierfsm/carrierfsm/store/figures"
	"github.com/carrierfsm/carrierfsm/telemetry"
)

// shutdownTimeout bounds the wait for running requests and calls at shutdown.
const shutdownTimeout = 10 * time.Second

// actRetention is how long the log of what operators did is kept.
const actRetention = 2 * 365 * 24 * time.Hour

// serve builds the service and serves until ctx ends.
func serve(ctx context.Context, o options, out io.Writer, logger *slog.Logger) error {
	owner, err := openHost(o)
	if err != nil {
		return err
	}
	store, closeStore, err := openStore(ctx, o.store, o.createShards, logger) // before the keys: no key file is left beside a database that can't be opened
	if err != nil {
		return err
	}
	defer closeStore()
	keys, err := openKeys(o, func() (bool, error) {
		list, err := store.List(ctx, carrierfsm.Query{Limit: 1})
		return len(list) > 0, err
	})
	if err != nil {
		return err
	}
	exposed, metrics, err := openTelemetry(ctx, o)
	if err != nil {
		return err
	}
	defer exposed.close(context.WithoutCancel(ctx))
	up, err := openUpstream(o, metrics.Observer())
	if err != nil {
		return err
	}
	defer up.close()
	changes := httpapi.NewChanges()
	machine, err := carrierfsm.New(carrierfsm.Config{
		Store:        store,
		Upstream:     up.upstream,
		Sealer:       keys.sealer,
		Numbers:      keys.numbers,
		Budgets:      o.budgets,
		Limits:       o.machine,
		ActRetention: actRetention,
		CallTimeout:  o.call,
		Observer:     carrierfsm.Observers(metrics.Observer(), changes.Observer()),
		Logger:       logger,
	})
	if err != nil {
		return err
	}
	counters, dispatcher, err := newDispatcher(machine, store, metrics.HandlerObserver(), logger)
	if err != nil {
		return err
	}
	if err := watch(metrics, machine, dispatcher); err != nil {
		return err
	}
	s := &site{
		options: o, owner: owner, machine: machine, dispatcher: dispatcher, store: store, counters: counters, keys: keys, cookies: cookies{o.https}, changes: changes,
		simulated: up.simulated, metrics: exposed, log: logger,
	}
	if s.api, err = s.newAPI(); err != nil {
		return err
	}
	return s.serve(ctx, out)
}

// openTelemetry returns the metrics and where they are exposed, which the caller closes.
func openTelemetry(ctx context.Context, o options) (*metrics, *telemetry.Telemetry, error) {
	exposed, err := openMetrics(ctx, o.metrics)
	if err != nil {
		return nil, nil, err
	}
	observed, err := telemetry.New(telemetry.Config{MeterProvider: exposed.provider})
	if err != nil {
		exposed.close(ctx)
		return nil, nil, err
	}
	return exposed, observed, nil
}

// watch exposes what the machine and the dispatcher know of themselves, until the
// provider of the metrics is closed.
func watch(metrics *telemetry.Telemetry, machine *carrierfsm.Machine, dispatcher *outbox.Dispatcher) error {
	_, err := metrics.Watch(machine)
	_, e := metrics.WatchProcess(machine, dispatcher)
	return errors.Join(err, e)
}

// newDispatcher returns a dispatcher that calls the handler of this host and counts for
// the console.
func newDispatcher(machine *carrierfsm.Machine, store store, o *outbox.Observer, logger *slog.Logger) (*figures.Counters, *outbox.Dispatcher, error) {
	counters, err := figures.New(figures.Config{Store: store})
	if err != nil {
		return nil, nil, err
	}
	dispatcher, err := outbox.New(machine, store, outbox.Config{
		Handlers:    map[string]outbox.Handler{"notify": notify(logger)},
		Projections: []outbox.Projection{counters},
		Starts:      map[string]outbox.Start{counters.Name(): outbox.FromBeginning}, // on a store that is older than the figures
		Observer:    o,
		Logger:      logger,
	})
	return counters, dispatcher, err
}

// notify returns the handler of this host. A real one would write an order, send a
// message or fetch the report, and find its own record by t.Reference, which its begin
// would set. It may be called again for the same (ID, Step).
func notify(logger *slog.Logger) outbox.Handler {
	return func(ctx context.Context, t carrierfsm.Transition) error {
		if t.Ended() {
			logger.InfoContext(ctx, "verification ended", "id", t.ID, "state", t.To, "event", t.Event)
		}
		return nil
	}
}

// serve runs the machine, the dispatcher and the HTTP servers. At shutdown it ends
// the requests first, then both Runs, then the machine. Its caller closes the store.
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
	server := newServer(s.routes(), s.waitLimit+15*time.Second) // a response may take waitLimit
	background, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	var running sync.WaitGroup
	running.Go(func() { _ = s.machine.Run(background) }) // both return nil when they are stopped
	running.Go(func() { _ = s.dispatcher.Run(background) })
	served := make(chan error, 3)
	running.Go(func() { served <- server.Serve(listener) })
	_, _ = fmt.Fprintf(out, "Open http://%s/\n", listener.Addr())
	if operators != nil {
		running.Go(func() { served <- operators.server.Serve(operators.listener) })
		_, _ = fmt.Fprintf(out, "Operators open http://%s/ as %s, password %s\n", operators.listener.Addr(), operatorName, operators.password)
	}
	if s.metrics.server != nil {
		running.Go(func() { served <- s.metrics.server.Serve(s.metrics.listener) })
		_, _ = fmt.Fprintf(out, "Prometheus reads http://%s/metrics\n", s.metrics.listener.Addr())
	}

	select {
	case err = <-served: // a server failed
	case <-ctx.Done():
	}
	end, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownTimeout)
	defer cancel()
	s.changes.Close() // ends the requests that wait for changes
	if e := errors.Join(server.Shutdown(end), operators.close(end)); e != nil {
		s.log.Warn("shutdown timed out", "error", e)
		_ = server.Close()
	}
	s.metrics.close(end)
	stop()
	running.Wait()
	if e := s.machine.Close(end); e != nil {
		s.log.Warn("a call is still in flight; Run settles it after the next start", "error", e)
	}
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

// newServer returns a server with all timeouts; write bounds a response, from the
// request on.
func newServer(handler http.Handler, write time.Duration) *http.Server {
	return &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       15 * time.Second,
		WriteTimeout:      write,
		IdleTimeout:       time.Minute,
		MaxHeaderBytes:    16 << 10,                                                // two cookies of 4 KB, and what browsers send
		ErrorLog:          slog.NewLogLogger(slog.DiscardHandler, slog.LevelError), // its lines contain addresses of persons
	}
}
