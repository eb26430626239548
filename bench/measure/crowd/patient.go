package crowd

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"sync/atomic"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/bench/measure/lab"
	"github.com/carrierfsm/carrierfsm/bench/measure/workload"
	"github.com/carrierfsm/carrierfsm/upstream/juxinli"
	"github.com/carrierfsm/carrierfsm/upstream/simulator"
)

// patient is an upstream that holds back what one person is asked, until it is
// released. Others it answers at once.
type patient interface {
	carrierfsm.Upstream
	// waits is how many it holds back.
	waits(ctx context.Context) (int, error)
	release(ctx context.Context) error
	end() error
}

func newPatient(ctx context.Context, overHTTP bool) (patient, error) {
	if !overHTTP {
		return &inProcess{released: make(chan struct{})}, nil
	}
	url, stop, err := lab.Start(ctx, lab.Job{Task: Serve})
	if err != nil {
		return nil, err
	}
	client, err := juxinli.New(juxinli.Config{BaseURL: url, Org: "DEMO"})
	if err != nil {
		return nil, errors.Join(err, stop())
	}
	return &elsewhere{client: client, url: url, stop: stop}, nil
}

// theirForm is that of the person whom upstream keeps waiting: the simulator's
// second one, because the first has the number of everybody else here.
func theirForm() carrierfsm.Form {
	p := simulator.People()[1]
	return carrierfsm.Form{Name: p.Name, IDCard: p.IDCard, Phone: p.Phone}
}

// inProcess is a patient upstream in this process.
type inProcess struct {
	workload.Upstream
	released chan struct{}
	held     atomic.Int64
}

// Collect is carrierfsm.Upstream's.
func (p *inProcess) Collect(ctx context.Context, r carrierfsm.Request) (carrierfsm.Reply, error) {
	if r.Account == theirs {
		p.held.Add(1)
		select {
		case <-p.released:
		case <-ctx.Done():
			return carrierfsm.Reply{}, ctx.Err()
		}
	}
	return p.Upstream.Collect(ctx, r)
}

var theirs = theirForm().Phone

func (p *inProcess) waits(context.Context) (int, error) { return int(p.held.Load()), nil }
func (p *inProcess) release(context.Context) error      { close(p.released); return nil }
func (p *inProcess) end() error                         { return nil }

// elsewhere is the simulator in another process, by the real client; all but
// that one person are answered here.
type elsewhere struct {
	client *juxinli.Client
	others workload.Upstream
	url    string
	stop   func() error
}

// Apply is carrierfsm.Upstream's.
func (e *elsewhere) Apply(ctx context.Context, a carrierfsm.Application) (carrierfsm.Receipt, error) {
	if a.Form.Phone != theirs {
		return e.others.Apply(ctx, a)
	}
	return e.client.Apply(ctx, a)
}

// Collect is carrierfsm.Upstream's.
func (e *elsewhere) Collect(ctx context.Context, r carrierfsm.Request) (carrierfsm.Reply, error) {
	if r.Account != theirs {
		return e.others.Collect(ctx, r)
	}
	return e.client.Collect(ctx, r)
}

func (e *elsewhere) waits(ctx context.Context) (int, error) {
	text, err := e.get(ctx, waitingPath)
	if err != nil {
		return 0, err
	}
	return strconv.Atoi(text)
}

func (e *elsewhere) release(ctx context.Context) error {
	_, err := e.get(ctx, releasePath)
	return err
}

func (e *elsewhere) end() error { return e.stop() }

func (e *elsewhere) get(ctx context.Context, path string) (text string, err error) {
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
		return "", fmt.Errorf("crowd: %s answered %s", path, response.Status)
	}
	body, err := io.ReadAll(io.LimitReader(response.Body, 100))
	return string(body), err
}
