// Package secondvendor is an example of an adapter: a carrierfsm.Upstream for an
// invented vendor with another kind of API than Juxinli's. The client creates a
// task, posts the inputs that the task needs, and polls its phase.
//
//	POST /tasks              {name, id_card, phone}  → 201, the task
//	POST /tasks/{id}/inputs  {round, kind, value}    → 202, the task; 409, the unchanged task,
//	                                                   if it is in another round or needs another input
//	GET  /tasks/{id}                                 → 200, the task
//
// A task is {id, operator, round, phase, reason, hint}. Each accepted input begins
// a new round with the phase CRAWLING, which lasts until the task needs another
// input or ends. Refusals have status 400, 404, 410 or 422 and {message}.
//
// Copy what you need: vendor.go is the adapter, and task.go maps the vendor's phases to
// replies. Package sendonce sends the requests, and decides what was certainly not
// sent.
package secondvendor

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/upstream/sendonce"
)

var _ carrierfsm.Upstream = (*Client)(nil)

// Config configures a Client. BaseURL and Key are required.
type Config struct {
	// BaseURL is the API's: HTTPS, or HTTP to loopback.
	BaseURL string
	// Key is the institution's key. The host must not destroy it while the Client is
	// used.
	Key carrierfsm.Secret
	// Poll is the pause between two polls of a task. Defaults to 1 s.
	Poll time.Duration
}

// Client calls the API. It is safe for concurrent use and keeps nothing between
// calls: the machine stores the round of a task as Reply.Cursor.
type Client struct {
	cfg  Config
	http *sendonce.Client
}

// New checks the configuration.
func New(c Config) (*Client, error) {
	if c.Key.Empty() {
		return nil, errors.New("secondvendor: Key is required")
	}
	if c.Poll <= 0 {
		c.Poll = time.Second
	}
	client, err := sendonce.New(sendonce.Config{BaseURL: c.BaseURL})
	if err != nil {
		return nil, fmt.Errorf("secondvendor: %w", err)
	}
	return &Client{cfg: c, http: client}, nil
}

// Apply creates a task.
func (c *Client) Apply(ctx context.Context, a carrierfsm.Application) (carrierfsm.Receipt, error) {
	t, err := c.post(ctx, "/tasks", "/tasks", form{Name: value(a.Form.Name), IDCard: value(a.Form.IDCard), Phone: value(a.Form.Phone)})
	if refused, is := errors.AsType[*refusal](err); is {
		return carrierfsm.Receipt{Message: carrierfsm.NewSecret(refused.message)}, nil
	}
	if err != nil {
		return carrierfsm.Receipt{}, err
	}
	return t.receipt()
}

// Collect posts one input and polls until the task needs another or ends. The POST
// has the secret and is sent once; the GET has none and is repeated.
func (c *Client) Collect(ctx context.Context, r carrierfsm.Request) (carrierfsm.Reply, error) {
	round := roundOf(r.Cursor)
	in, err := inputOf(r, round)
	if err != nil {
		return carrierfsm.Reply{}, err
	}
	path := "/tasks/" + url.PathEscape(value(r.Token))
	t, err := c.post(ctx, path+"/inputs", "/tasks/{id}/inputs", in)
	if outcomeUnknown(err) {
		t, err = c.lookUp(ctx, path, round, err)
	}
	for err == nil && t.Phase == crawling {
		t, err = c.next(ctx, path)
	}
	if refused, is := errors.AsType[*refusal](err); is {
		return carrierfsm.Reply{Content: carrierfsm.NewSecret(refused.message)}, nil
	}
	if err != nil {
		return carrierfsm.Reply{}, err
	}
	return t.reply(), nil
}

// outcomeUnknown reports whether the outcome of a request is unknown after an error.
func outcomeUnknown(err error) bool {
	_, refused := errors.AsType[*refusal](err)
	return err != nil && !refused && !errors.Is(err, carrierfsm.ErrNotSent)
}

// lookUp fetches the task after the reply to an input was lost. A later round means
// that the task accepted the input. In the same round the input may still arrive,
// so the outcome stays unknown, and nothing is sent again.
func (c *Client) lookUp(ctx context.Context, path string, round int, lost error) (task, error) {
	t, err := c.get(ctx, path)
	if err != nil || t.Round <= round {
		return task{}, lost
	}
	return t, nil
}

// next returns the task after a pause. It repeats a failed poll until the call ends,
// as polls have no effect.
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

// post sends JSON, once.
func (c *Client) post(ctx context.Context, path, template string, body any) (task, error) {
	text, err := json.Marshal(body)
	if err != nil {
		return task{}, fmt.Errorf("secondvendor: %w", carrierfsm.ErrNotSent)
	}
	return c.do(ctx, sendonce.Request{Method: http.MethodPost, Path: path, Template: template, Body: text})
}

// get reads a task.
func (c *Client) get(ctx context.Context, path string) (task, error) {
	return c.do(ctx, sendonce.Request{Method: http.MethodGet, Path: path, Template: "/tasks/{id}"})
}

func (c *Client) do(ctx context.Context, r sendonce.Request) (task, error) {
	r.Header, r.Statuses = make(http.Header), refusalStatuses
	c.cfg.Key.Use(func(key []byte) { r.Header.Set("Authorization", "Bearer "+string(key)) })
	response, err := c.http.Do(ctx, r)
	if err != nil {
		return task{}, fmt.Errorf("secondvendor: %w", err)
	}
	return decode(response)
}

// roundOf decodes the cursor. A new task is in round 1.
func roundOf(cursor []byte) int {
	if round, err := strconv.Atoi(string(cursor)); err == nil {
		return round
	}
	return 1
}
