package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"sync"
	"time"

	"github.com/carrierfsm/carrierfsm/upstream/simulator"
)

// simulated is the built-in aggregator with its operators and people, served over
// HTTP on loopback. Its state is saved next to a SQLite file, so that a restarted
// service resumes it. A host has no such thing.
type simulated struct {
	url    string
	server *simulator.Server
	http   *http.Server

	saving sync.Mutex
	saveTo string // empty: nowhere
}

func openSimulator(o options) (*simulated, error) {
	s := &simulated{server: simulator.New(simulator.Config{Org: o.org, ResendAfter: o.machine.ResendAfter})}
	if path, isFile := sqlitePath(o.store); isFile {
		s.saveTo = path + ".simulator.json"
		if err := s.restore(); err != nil {
			return nil, fmt.Errorf("%s: %w: %w", s.saveTo, err, errUsage)
		}
	}
	var on net.ListenConfig
	listener, err := on.Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	s.url = "http://" + listener.Addr().String()
	s.http = &http.Server{Handler: s.saveAfter(s.server), ReadHeaderTimeout: 5 * time.Second}
	go func() { _ = s.http.Serve(listener) }() // ends with close
	return s, nil
}

func (s *simulated) close() {
	s.server.Close()
	_ = s.http.Close()
}

// saveAfter saves the state after each request.
func (s *simulated) saveAfter(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer s.save()
		next.ServeHTTP(w, r)
	})
}

func (s *simulated) save() {
	if s.saveTo == "" {
		return
	}
	s.saving.Lock()
	defer s.saving.Unlock()
	file, err := os.OpenFile(s.saveTo+".new", os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return // only a restart needs the file
	}
	if errors.Join(s.server.Save(file), file.Close()) == nil {
		_ = os.Rename(s.saveTo+".new", s.saveTo)
	}
}

func (s *simulated) restore() error {
	file, err := os.Open(s.saveTo)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }()
	return s.server.Restore(file)
}
