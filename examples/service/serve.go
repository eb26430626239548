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
	up, err := openUpstream(o)
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
		Observer:    changes.observer(),
		Logger:      logger,
	})
	if err != nil {
		return err
	}
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

// serve runs the machine and the HTTP server, and ends them in order: no new
// requests, no loops, no submissions.
func (s *site) serve(ctx context.Context, out io.Writer) error {
	var on net.ListenConfig
	listener, err := on.Listen(ctx, "tcp", s.addr)
	if err != nil {
		return fmt.Errorf("%w: %w", err, errUsage)
	}
	background, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	server := &http.Server{
		Handler:           s.routes(),
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       15 * time.Second,
		WriteTimeout:      s.patience + 15*time.Second, // an answer may wait as long as that
		IdleTimeout:       time.Minute,
		MaxHeaderBytes:    16 << 10,                                                // two cookies of 4 KB, and what browsers send
		ErrorLog:          slog.NewLogLogger(slog.DiscardHandler, slog.LevelError), // its lines name addresses of persons
	}
	var running sync.WaitGroup
	running.Go(func() { _ = s.machine.Run(background) }) // returns nil, when it is stopped
	served := make(chan error, 1)
	running.Go(func() { served <- server.Serve(listener) })
	_, _ = fmt.Fprintf(out, "Open http://%s/\n", listener.Addr())

	select {
	case err = <-served: // it could not go on
	case <-ctx.Done():
	}
	end, cancel := context.WithTimeout(background, closing)
	defer cancel()
	s.changes.close() // whoever waits for changes gets an answer now
	if e := errors.Join(server.Shutdown(end), s.machine.Close(end)); e != nil {
		s.log.Warn("not all that was under way came to its end", "error", e)
		_ = server.Close()
	}
	stop()
	running.Wait()
	return err
}
