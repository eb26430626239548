// Package secondvendor is an example of an adapter: a carrierfsm.Upstream for
// an invented vendor of another kind than Juxinli. There one creates a task,
// posts what the task asks for, and polls the phase that it is in.
//
//	POST /tasks              {name, id_card, phone}  → 201, the task
//	POST /tasks/{id}/inputs  {round, kind, value}    → 202, the task; 409, the task as it is,
//	                                                   where it is in another round or wants something else
//	GET  /tasks/{id}                                 → 200, the task
//
// A task is {id, operator, round, phase, reason, hint}. Each input that it takes
// begins a new round and the phase CRAWLING, which lasts until the task wants
// something else or ends. What is refused is 400, 404, 410 or 422 with {message}.
//
// Copy what is of use: vendor.go is the adapter, task.go what the vendor's words
// mean, wire.go how to be certain about what was not sent.
package secondvendor

import (
	"context"
	"errors"
	"net/url"
	"strconv"
	"time"

	"github.com/carrierfsm/carrierfsm"
)

var _ carrierfsm.Upstream = (*Client)(nil)

// Config is what a Client is made of. BaseURL and Key are required.
type Config struct {
	// BaseURL is where the API is: HTTPS, or HTTP to loopback.
	BaseURL string
	// Key is the institution's key. The Client uses it for as long as it lives.
	Key carrierfsm.Secret
	// Poll is the pause between two looks at a task. Defaults to 1 s.
	Poll time.Duration
}

// Client calls the API. It is safe for concurrent use and keeps nothing
// between calls: the round of a task is kept as Reply.Cursor.
type Client struct {
	cfg  Config
	base *url.URL
}

// New checks the configuration.
func New(c Config) (*Client, error) {
	base, err := url.Parse(c.BaseURL)
	switch {
	case err != nil || base.Host == "" || base.User != nil:
		return nil, errors.New("secondvendor: BaseURL is no URL")
	case base.Scheme != "https" && (base.Scheme != "http" || !loopback(base.Hostname())):
		return nil, errors.New("secondvendor: BaseURL must be HTTPS, or HTTP to loopback")
	case c.Key.Empty():
		return nil, errors.New("secondvendor: Key is required")
	case c.Poll <= 0:
		c.Poll = time.Second
	}
	return &Client{cfg: c, base: base}, nil
}

// Apply creates a task.
func (c *Client) Apply(ctx context.Context, a carrierfsm.Application) (carrierfsm.Receipt, error) {
	t, err := c.send(ctx, "/tasks", form{Name: a.Form.Name, IDCard: a.Form.IDCard, Phone: a.Form.Phone})
	if refused, is := errors.AsType[*refusal](err); is {
		return carrierfsm.Receipt{Message: refused.message}, nil
	}
	if err != nil {
		return carrierfsm.Receipt{}, err
	}
	return t.receipt()
}

// Collect posts one input and polls until the task asks for something or ends.
// The secret is in the one POST; what is repeated is the GET, which has none.
func (c *Client) Collect(ctx context.Context, r carrierfsm.Request) (carrierfsm.Reply, error) {
	round := roundOf(r.Cursor)
	in, err := inputOf(r, round)
	if err != nil {
		return carrierfsm.Reply{}, err
	}
	path := "/tasks/" + url.PathEscape(r.Token)
	t, err := c.send(ctx, path+"/inputs", in)
	if lost(err) {
		t, err = c.lookUp(ctx, path, round, err)
	}
	for err == nil && t.Phase == crawling {
		t, err = c.next(ctx, path)
	}
	if refused, is := errors.AsType[*refusal](err); is {
		return carrierfsm.Reply{Content: refused.message}, nil
	}
	if err != nil {
		return carrierfsm.Reply{}, err
	}
	return t.reply(), nil
}

// lost tells whether it is unknown what became of a request.
func lost(err error) bool {
	_, refused := errors.AsType[*refusal](err)
	return err != nil && !refused && !errors.Is(err, carrierfsm.ErrNotSent)
}

// lookUp looks whether a task took the input whose reply was lost. Where it is
// still in the round that was answered nobody can know: the input may arrive
// yet, so it stays unknown and is not sent again.
func (c *Client) lookUp(ctx context.Context, path string, round int, lost error) (task, error) {
	t, err := c.get(ctx, path)
	if err != nil || t.Round <= round {
		return task{}, lost
	}
	return t, nil
}

// next is the task after a pause. While the vendor can't be asked it goes on
// trying, until the call is over: a poll that failed has changed nothing.
func (c *Client) next(ctx context.Context, path string) (task, error) {
	for {
		pause := time.NewTimer(c.cfg.Poll)
		select {
		case <-ctx.Done():
			pause.Stop()
			return task{}, errUnfinished
		case <-pause.C:
		}
		t, err := c.get(ctx, path)
		if _, refused := errors.AsType[*refusal](err); err == nil || refused {
			return t, err
		}
	}
}

// roundOf reads the cursor. A new task is in round 1.
func roundOf(cursor []byte) int {
	if round, err := strconv.Atoi(string(cursor)); err == nil {
		return round
	}
	return 1
}
