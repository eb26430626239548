package crashproof_test

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strconv"
	"sync/atomic"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/fsmtest"
)

// journalSabotage is an upstream that writes each request to a journal before it is sent,
// and sends the unanswered ones again when it starts.
const journalSabotage = "resend on recovery"

type journal struct {
	carrierfsm.Upstream
	folder string
	n      atomic.Int64
}

// journaled is a request with its secrets in clear.
type journaled struct {
	Request                  carrierfsm.Request `json:"-"`
	Input                    carrierfsm.InputKind
	Token, Website, Account  string
	Password, Query, Captcha string
}

func newJournal(ctx context.Context, u carrierfsm.Upstream, folder string) (*journal, error) {
	j := &journal{Upstream: u, folder: folder}
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return nil, err
	}
	left, err := filepath.Glob(filepath.Join(folder, "*"))
	if err != nil {
		return nil, err
	}
	for _, name := range left {
		text, _ := os.ReadFile(name)
		_ = os.Remove(name)
		var in journaled
		if json.Unmarshal(text, &in) == nil {
			go func() { _, _ = u.Collect(ctx, in.request()) }()
		}
	}
	return j, nil
}

func (in journaled) request() carrierfsm.Request {
	return carrierfsm.Request{
		Input: in.Input, Token: carrierfsm.NewSecret(in.Token), Website: in.Website, Account: carrierfsm.NewSecret(in.Account),
		Password:      carrierfsm.NewSecret(in.Password),
		QueryPassword: carrierfsm.NewSecret(in.Query), Captcha: carrierfsm.NewSecret(in.Captcha),
	}
}

// Collect implements carrierfsm.Upstream.
func (j *journal) Collect(ctx context.Context, r carrierfsm.Request) (carrierfsm.Reply, error) {
	in := journaled{Input: r.Input, Token: fsmtest.Reveal(r.Token), Website: r.Website, Account: fsmtest.Reveal(r.Account)}
	r.Password.Use(func(b []byte) { in.Password = string(b) })
	r.QueryPassword.Use(func(b []byte) { in.Query = string(b) })
	r.Captcha.Use(func(b []byte) { in.Captcha = string(b) })
	text, err := json.Marshal(in)
	if err != nil {
		return carrierfsm.Reply{}, err
	}
	name := filepath.Join(j.folder, strconv.Itoa(os.Getpid())+"-"+strconv.FormatInt(j.n.Add(1), 10))
	if err := os.WriteFile(name, text, 0o600); err != nil {
		return carrierfsm.Reply{}, err
	}
	defer func() { _ = os.Remove(name) }()
	return j.Upstream.Collect(ctx, r)
}
