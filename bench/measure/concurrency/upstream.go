package concurrency

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"sync/atomic"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/bench/measure/runner"
	"github.com/carrierfsm/carrierfsm/bench/measure/workload"
	"github.com/carrierfsm/carrierfsm/upstream/juxinli"
	"github.com/carrierfsm/carrierfsm/upstream/simulator"
)

// blockingUpstream blocks the calls for one person until it is released, and answers
// all others at once.
type blockingUpstream interface {
	carrierfsm.Upstream
	// blocked returns how many calls are blocked.
	blocked(ctx context.Context) (int, error)
	release(ctx context.Context) error
	close() error
}

func newBlockingUpstream(ctx context.Context, overHTTP bool) (blockingUpstream, error) {
	if !overHTTP {
		return &localUpstream{released: make(chan struct{})}, nil
	}
	url, stop, err := runner.Start(ctx, runner.Job{Task: Serve})
	if err != nil {
		return nil, err
	}
	client, err := juxinli.New(juxinli.Config{BaseURL: url, Org: "DEMO"})
	if err != nil {
		return nil, errors.Join(err, stop())
	}
	return &remoteUpstream{client: client, url: url, stop: stop}, nil
}

// blockedForm is the form of the person whose calls block: the simulator's second
// one, because the first one has the number of all other verifications.
func blockedForm() carrierfsm.Form {
	p := simulator.People()[1]
	return carrierfsm.Form{
		Name:   carrierfsm.NewSecret(p.Name),
		IDCard: carrierfsm.NewSecret(p.IDCard),
		Phone:  carrierfsm.NewSecret(p.Phone),
	}
}

// localUpstream is a blockingUpstream in this process.
type localUpstream struct {
	workload.Upstream
	released chan struct{}
	count    atomic.Int64
}

// Collect implements carrierfsm.Upstream.
func (p *localUpstream) Collect(ctx context.Context, r carrierfsm.Request) (carrierfsm.Reply, error) {
	if workload.Reveal(r.Account) == blockedPhone {
		p.count.Add(1)
		select {
		case <-p.released:
		case <-ctx.Done():
			return carrierfsm.Reply{}, ctx.Err()
		}
	}
	return p.Upstream.Collect(ctx, r)
}

var blockedPhone = workload.Reveal(blockedForm().Phone)

func (p *localUpstream) blocked(context.Context) (int, error) { return int(p.count.Load()), nil }
func (p *localUpstream) release(context.Context) error        { close(p.released); return nil }
func (p *localUpstream) close() error                         { return nil }

// remoteUpstream is the simulator in another process, with the real client. Calls
// for other persons are answered in this process.
type remoteUpstream struct {
	client *juxinli.Client
	others workload.Upstream
	url    string
	stop   func() error
}

// Apply implements carrierfsm.Upstream.
func (e *remoteUpstream) Apply(ctx context.Context, a carrierfsm.Application) (carrierfsm.Receipt, error) {
	if workload.Reveal(a.Form.Phone) != blockedPhone {
		return e.others.Apply(ctx, a)
	}
	return e.client.Apply(ctx, a)
}

// Collect implements carrierfsm.Upstream.
func (e *remoteUpstream) Collect(ctx context.Context, r carrierfsm.Request) (carrierfsm.Reply, error) {
	if workload.Reveal(r.Account) != blockedPhone {
		return e.others.Collect(ctx, r)
	}
	return e.client.Collect(ctx, r)
}

func (e *remoteUpstream) blocked(ctx context.Context) (int, error) {
	text, err := e.get(ctx, blockedPath)
	if err != nil {
		return 0, err
	}
	return strconv.Atoi(text)
}

func (e *remoteUpstream) release(ctx context.Context) error {
	_, err := e.get(ctx, releasePath)
	return err
}

func (e *remoteUpstream) close() error { return e.stop() }

func (e *remoteUpstream) get(ctx context.Context, path string) (text string, err error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, e.url+path, nil)
	if err != nil {
		return "", err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, response.Body.Close()) }()
	if response.StatusCode != http.StatusOK {
		return "", fmt.Errorf("concurrency: %s: %s", path, response.Status)
	}
	body, err := io.ReadAll(io.LimitReader(response.Body, 100))
	return string(body), err
}
