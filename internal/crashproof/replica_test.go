package crashproof_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"os"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/outbox"
	"github.com/carrierfsm/carrierfsm/store/seal"
	"github.com/carrierfsm/carrierfsm/upstream/juxinli"
)

// replicaEnv holds the settings of a replica. If it is set, this program runs one.
const replicaEnv = "CARRIERFSM_CRASHPROOF_REPLICA"

// replica runs a replica until it is killed.
func replica(config string) error {
	var s settings
	if err := json.Unmarshal([]byte(config), &s); err != nil {
		return err
	}
	go func() { // ends with the parent
		_, _ = io.Copy(io.Discard, os.Stdin)
		os.Exit(0)
	}()
	ctx := context.Background()
	store, err := insistOnStore(ctx, s)
	if err != nil {
		return fmt.Errorf("opening the store: %w", err)
	}
	upstream, err := s.upstream(ctx)
	if err != nil {
		return err
	}
	m, d, err := s.engine(store, upstream)
	if err != nil {
		return err
	}
	listener, err := net.FileListener(os.NewFile(3, "listener"))
	if err != nil {
		return err
	}
	go func() { _ = m.Run(ctx) }()
	go func() { _ = d.Run(ctx) }()
	return http.Serve(listener, &api{m})
}

// sealKey is the key of all replicas: they open each other's carries.
var sealKey = seal.Key{ID: "1", Key: carrierfsm.NewSecret("0123456789abcdef0123456789abcdef")}

// engine returns the Machine and the Dispatcher of a replica on this store.
func (s settings) engine(store outbox.Store, upstream carrierfsm.Upstream) (*carrierfsm.Machine, *outbox.Dispatcher, error) {
	sealer, err := seal.New(sealKey)
	if err != nil {
		return nil, nil, err
	}
	logger := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
	m, err := carrierfsm.New(carrierfsm.Config{
		Numbers: numbers(), Budgets: budgets, Store: store, Upstream: upstream, Sealer: sealer, SealUnbound: s.Unbound, Limits: limits,
		CallTimeout: callTimeout, Grace: grace, PollInterval: pollInterval, Logger: logger,
	})
	if err != nil {
		return nil, nil, err
	}
	counted, err := counters(store)
	if err != nil {
		return nil, nil, err
	}
	d, err := outbox.New(m, store, outbox.Config{
		Handlers:    map[string]outbox.Handler{"delivery-log": s.handler()},
		Projections: []outbox.Projection{counted},
		// A database may be restored to before the first start.
		Starts:  map[string]outbox.Start{"delivery-log": outbox.FromBeginning, counted.Name(): outbox.FromBeginning},
		Timeout: handlerTimeout, LeaseTTL: lease, RetryMin: retryMin, RetryMax: retryMax, PollInterval: pollInterval, Logger: logger,
	})
	return m, d, err
}

func (s settings) upstream(ctx context.Context) (carrierfsm.Upstream, error) {
	client, err := juxinli.New(juxinli.Config{BaseURL: s.Upstream, Org: "DEMO"})
	if err != nil {
		return nil, err
	}
	if s.Sabotage == journalSabotage {
		return newJournal(ctx, client, s.Journal)
	}
	return client, nil
}

// handler appends each delivery to one file of all replicas, by a single write, so that
// the lines are in the order of the deliveries. It sometimes fails.
func (s settings) handler() outbox.Handler {
	var file *os.File
	if s.DeliveryLog != "" {
		var err error
		if file, err = os.OpenFile(s.DeliveryLog, os.O_APPEND|os.O_WRONLY|os.O_CREATE, 0o644); err != nil {
			panic(err)
		}
	}
	return func(_ context.Context, t carrierfsm.Transition) error {
		if rand.IntN(100) < 2 {
			return errors.New("the delivery log is closed for a moment")
		}
		_, err := fmt.Fprintf(file, "%s %d %d\n", t.ID, t.Step, t.At.UnixMicro())
		return err
	}
}

// api is the HTTP API of a replica.
type api struct{ m *carrierfsm.Machine }

// ServeHTTP answers one request. Its context ends when the person stops waiting.
func (a *api) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var in request
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	var v carrierfsm.Verification
	var err error
	created := carrierfsm.NewVerification{ID: in.ID, Key: in.Key}
	form, begins := in.input().(carrierfsm.Apply)
	switch {
	case in.Op == opCreate:
		v, err = a.m.Create(r.Context(), created)
	case in.Op == opGet:
		v, err = a.m.Get(r.Context(), in.ID)
	case in.Begins && begins:
		v, err = a.m.Begin(r.Context(), created, form)
	default:
		v, err = a.m.Submit(r.Context(), in.ID, in.input())
	}
	_ = json.NewEncoder(w).Encode(response{Result: resultOf(err), View: viewOf(v)})
}
