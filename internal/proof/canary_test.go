package proof_test

import (
	"bytes"
	"context"
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/fsmtest"
	"github.com/carrierfsm/carrierfsm/store/sqlite"
)

// The canary test: verifications run on a SQLite file with an upstream that repeats
// every secret in its texts and errors. Then the files, the logs, the errors and
// every public value are searched for the secrets, in clear, encoded and hashed.

// canaries are the secrets. Every encoding changes the passwords.
var canaries = map[string]string{
	"password":       `Pw"7f3a/91&x`,
	"wrong password": `Wr'ong+4c?%2`,
	"query password": `Qp<88>b1=e0;`,
	"code":           `73519426`,
	"wrong code":     `40917263`,
	"refused code":   `62840517`,
	"no code":        `Rf!33,44.[]_`,
	"reset code":     `91735064`,
	"new password":   `Nw&77"88';:<`,
}

// Personal values that may be in the body of a record, as docs/security.md says, and
// nowhere else.
const (
	canaryName   = "测试用户甲"
	canaryIDCard = "11010119900307889X"
	canaryPhone  = "13800138042"
	canaryToken  = "c0ffee00c0ffee00c0ffee00c0ffee42"
)

func TestNoSecretIsFoundAnywhere(t *testing.T) {
	t.Parallel()
	for _, sealed := range []bool{false, true} {
		t.Run(fmt.Sprintf("sealed=%t", sealed), func(t *testing.T) {
			t.Parallel()
			c := newCanary(t, sealed)
			c.run()
			c.search()
		})
	}
}

// canary is a run, with everything that it leaves behind.
type canary struct {
	t      *testing.T
	sealed bool
	path   string
	store  *sqlite.Store
	cfg    carrierfsm.Config
	m      *carrierfsm.Machine
	out    bytes.Buffer // logs, errors, formatted values
	seen   map[string]bool

	mu       sync.Mutex
	arrived  map[string]bool // at upstream, by value
	observed []any           // every argument of the observer
}

func newCanary(t *testing.T, sealed bool) *canary {
	t.Helper()
	c := &canary{t: t, sealed: sealed, path: filepath.Join(t.TempDir(), "canary.db"), seen: make(map[string]bool), arrived: make(map[string]bool)}
	var err error
	c.store, err = sqlite.Open(context.Background(), c.path)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, c.store.Close()) })
	debug := &slog.HandlerOptions{Level: slog.LevelDebug}
	c.cfg = carrierfsm.Config{Numbers: numbers(t), Budgets: plenty, Store: c.store, Upstream: echo{c}, Logger: slog.New(fanout{
		slog.NewJSONHandler(&c.out, debug), slog.NewTextHandler(&c.out, debug),
	})}
	if sealed {
		c.cfg.Sealer = sealer(t)
	}
	c.cfg.Observer = c.observer()
	c.restart()
	return c
}

func (c *canary) restart() {
	m, err := carrierfsm.New(c.cfg)
	require.NoError(c.t, err)
	c.t.Cleanup(func() { require.NoError(c.t, m.Close(context.Background())) })
	c.m = m
}

// observer records every argument of every function of an Observer.
func (c *canary) observer() *carrierfsm.Observer {
	o := new(carrierfsm.Observer)
	functions := reflect.ValueOf(o).Elem()
	for i := range functions.NumField() {
		functions.Field(i).Set(c.recorder(functions.Field(i).Type()))
	}
	return o
}

// recorder returns a function of this type. It records its arguments, and returns
// the context that it was passed and recorders for the functions.
func (c *canary) recorder(function reflect.Type) reflect.Value {
	return reflect.MakeFunc(function, func(arguments []reflect.Value) (results []reflect.Value) {
		c.mu.Lock()
		defer c.mu.Unlock()
		for _, a := range arguments {
			if _, isContext := a.Interface().(context.Context); !isContext {
				c.observed = append(c.observed, a.Interface())
			}
		}
		for i := range function.NumOut() {
			if t := function.Out(i); t.Kind() == reflect.Func {
				results = append(results, c.recorder(t))
			} else {
				results = append(results, arguments[0])
			}
		}
		return results
	})
}

// note writes values in every form in which a host could print them.
func (c *canary) note(values ...any) {
	for _, v := range values {
		_, _ = fmt.Fprintf(&c.out, "%v\n%+v\n%#v\n%s\n%q\n%x\n", v, v, v, v, v, v)
		if text, err := json.Marshal(v); err == nil {
			c.out.Write(text)
		}
		c.cfg.Logger.Info("noted", "value", v)
	}
}

// do submits an input and notes everything about it.
func (c *canary) do(id string, in carrierfsm.Input) carrierfsm.Verification {
	c.note(in, &in)
	v, err := c.m.Submit(context.Background(), id, in)
	c.note(v, err, c.m, in)
	if v.Prompt != nil {
		c.note(*v.Prompt)
	}
	return v
}

// run submits every secret.
func (c *canary) run() {
	ctx := context.Background()
	s := func(name string) carrierfsm.Secret {
		c.seen[name] = true
		return carrierfsm.NewSecret(canaries[name])
	}
	for _, id := range []string{"kept", "erased"} {
		_, err := c.m.Create(ctx, carrierfsm.NewVerification{ID: id})
		require.NoError(c.t, err)
		form := carrierfsm.Form{Name: carrierfsm.NewSecret(canaryName), IDCard: carrierfsm.NewSecret(canaryIDCard), Phone: carrierfsm.NewSecret(canaryPhone)}
		consent := fsmtest.Consent()
		c.note(form, carrierfsm.Application{Form: form}, carrierfsm.Contact{Name: carrierfsm.NewSecret(canaryName), Phone: carrierfsm.NewSecret(canaryPhone)})
		v := c.do(id, carrierfsm.Apply{Form: form, Consent: consent})
		v = c.do(id, carrierfsm.RequestReset{Step: v.Step})
		v = c.do(id, carrierfsm.ResetCaptcha{Step: v.Step, Code: s("reset code"), NewPassword: s("new password")})
		v = c.do(id, carrierfsm.Password{Step: v.Step, Password: s("wrong password")})
		v = c.do(id, carrierfsm.Password{Step: v.Step, Password: s("password")})
		carry := v.Prompt.Carry
		v = c.do(id, carrierfsm.Captcha{Step: v.Step, Code: s("wrong code")})
		c.do(id, carrierfsm.Captcha{Step: v.Step - 1, Code: s("refused code")})
		c.do(id, carrierfsm.Captcha{Step: v.Step, Code: carrierfsm.NewSecret(strings.Repeat(canaries["refused code"], 20))})
		c.do(id, carrierfsm.Captcha{Step: v.Step, Code: s("no code")})
		c.restart()
		c.do(id, carrierfsm.Captcha{Step: v.Step, Code: s("refused code")}) // needs the password
		if c.sealed {
			require.False(c.t, carry.Empty())
			v = c.do(id, carrierfsm.Captcha{Step: v.Step, Code: s("code"), Carry: carry})
		} else {
			c.do(id, carrierfsm.Cancel{})
			continue
		}
		c.do(id, carrierfsm.QueryPassword{Step: v.Step, Password: s("query password")}) // the reply is lost
		c.do(id, carrierfsm.Cancel{})
	}
	if !c.sealed {
		c.lone(s)
	}
	require.NoError(c.t, c.m.Erase(ctx, "erased"))
	c.read(ctx)
	for name, value := range canaries {
		require.True(c.t, c.seen[name], "the %s was not submitted", name)
		require.Equal(c.t, name != "refused code" && name != "no code", c.arrived[value], "whether the %s was sent", name)
	}
}

// lone submits a second code and a query password without a carry.
func (c *canary) lone(s func(string) carrierfsm.Secret) {
	_, err := c.m.Create(context.Background(), carrierfsm.NewVerification{ID: "lone"})
	require.NoError(c.t, err)
	v := c.do("lone", carrierfsm.Apply{Form: carrierfsm.Form{Name: carrierfsm.NewSecret(canaryName), IDCard: carrierfsm.NewSecret(canaryIDCard), Phone: carrierfsm.NewSecret(canaryPhone)}, Consent: fsmtest.Consent()})
	v = c.do("lone", carrierfsm.Password{Step: v.Step, Password: s("password")})
	v = c.do("lone", carrierfsm.Captcha{Step: v.Step, Code: s("code")})
	c.do("lone", carrierfsm.QueryPassword{Step: v.Step, Password: s("query password")})
}

// read notes everything that can be read of the verifications.
func (c *canary) read(ctx context.Context) {
	for _, id := range []string{"kept", "erased"} {
		v, err := c.m.Get(ctx, id)
		require.NoError(c.t, err)
		history, err := c.m.History(ctx, id)
		require.NoError(c.t, err)
		c.note(v, history)
		if c.sealed { // otherwise the body is in clear, as docs/security.md says
			r, err := c.store.Load(ctx, id)
			require.NoError(c.t, err)
			entries, err := c.store.History(ctx, id, 0, 100)
			require.NoError(c.t, err)
			c.note(r, entries, carrierfsm.Config{Sealer: c.cfg.Sealer})
		}
	}
	list, err := c.m.List(ctx, carrierfsm.Query{})
	require.NoError(c.t, err)
	c.note(list, c.m.Stats(), c.m)
	c.mu.Lock()
	observed := c.observed
	c.mu.Unlock()
	require.NotEmpty(c.t, observed)
	c.note(observed...)
}

// search looks for every secret and every personal value in everything.
func (c *canary) search() {
	files, err := filepath.Glob(c.path + "*")
	require.NoError(c.t, err)
	require.GreaterOrEqual(c.t, len(files), 2, "the write-ahead log is searched too")
	places := map[string]string{"logs, errors and values": c.out.String()}
	for _, name := range files {
		content, err := os.ReadFile(name)
		require.NoError(c.t, err)
		places[filepath.Base(name)] = string(content)
	}
	for place, content := range places {
		for name, secret := range canaries {
			for form, text := range forms(secret) {
				require.False(c.t, strings.Contains(content, text), "the %s is in %s, %s", name, place, form)
			}
		}
		for what, value := range map[string]string{"name": canaryName, "ID card": canaryIDCard} {
			require.False(c.t, strings.Contains(content, value), "the %s is in %s", what, place)
		}
		if c.sealed || !strings.HasPrefix(place, "canary") {
			require.False(c.t, strings.Contains(content, canaryPhone), "the phone number is in %s", place)
			require.False(c.t, strings.Contains(content, canaryToken), "the token is in %s", place)
		}
	}
}

// forms are the ways in which a value could be written.
func forms(secret string) map[string]string {
	quoted, _ := json.Marshal(secret)
	sum256, sum1, sum5 := sha256.Sum256([]byte(secret)), sha1.Sum([]byte(secret)), md5.Sum([]byte(secret))
	all := map[string]string{
		"in clear": secret, "in hex": hex.EncodeToString([]byte(secret)), "in capital hex": strings.ToUpper(hex.EncodeToString([]byte(secret))),
		"in a URL": url.QueryEscape(secret), "in a path": url.PathEscape(secret),
		"in JSON": string(quoted[1 : len(quoted)-1]), "in Go": fmt.Sprintf("%q", secret)[1 : len(fmt.Sprintf("%q", secret))-1],
		"as SHA-256": hex.EncodeToString(sum256[:]), "as raw SHA-256": string(sum256[:]),
		"as SHA-1": hex.EncodeToString(sum1[:]), "as MD5": hex.EncodeToString(sum5[:]),
	}
	for shift := range 3 { // base64 of a text that contains it at any offset
		padded := append(make([]byte, shift), secret...)
		for name, e := range map[string]*base64.Encoding{"base64": base64.RawStdEncoding, "URL base64": base64.RawURLEncoding} {
			encoded := e.EncodeToString(padded)
			all[fmt.Sprintf("in %s, shifted by %d", name, shift)] = encoded[shift+1 : len(encoded)-2]
		}
	}
	return all
}

func TestTheCanaryTestFindsWhatIsThere(t *testing.T) {
	t.Parallel()
	secret := canaries["password"]
	for form, text := range forms(secret) {
		require.NotEmpty(t, text, form)
	}
	hidden := base64.StdEncoding.EncodeToString([]byte(`{"x":"` + secret + `"}`))
	found := false
	for _, text := range forms(secret) {
		found = found || strings.Contains(hidden, text)
	}
	require.True(t, found)
}

// echo is an upstream that repeats everything that it is sent, in every text.
type echo struct{ c *canary }

func (echo) Apply(_ context.Context, a carrierfsm.Application) (carrierfsm.Receipt, error) {
	return carrierfsm.Receipt{
		Accepted: true, Token: carrierfsm.NewSecret(canaryToken), Message: carrierfsm.NewSecret(fsmtest.Reveal(a.Form.Name) + fsmtest.Reveal(a.Form.IDCard) + fsmtest.Reveal(a.Form.Phone)),
		Source: carrierfsm.Source{Website: "chinamobilejs", Name: "江苏移动", Online: true, ResetMethod: carrierfsm.ResetWithNewPassword},
	}, nil
}

func (e echo) Collect(_ context.Context, r carrierfsm.Request) (carrierfsm.Reply, error) {
	text := "您输入的是 " + fsmtest.Reveal(r.Account) + " " + fsmtest.Reveal(r.Token)
	values := make(map[string]bool)
	for _, s := range []carrierfsm.Secret{r.Password, r.QueryPassword, r.Captcha, r.NewPassword} {
		s.Use(func(value []byte) {
			text += " " + string(value)
			values[string(value)] = true
			e.c.mu.Lock()
			e.c.arrived[string(value)] = true
			e.c.mu.Unlock()
		})
	}
	e.c.note(r, carrierfsm.Receipt{Token: r.Token})
	out := carrierfsm.Reply{Success: true, Type: "CONTROL", Content: carrierfsm.NewSecret(text), Code: "10002"}
	switch {
	case values[canaries["query password"]]:
		return carrierfsm.Reply{}, errors.New("the connection broke: " + text)
	case values[canaries["reset code"]]:
		out.Code = "11000"
	case values[canaries["code"]]:
		out.Code = "10022"
	case values[canaries["wrong code"]]:
		out.Code = "10004"
	case values[canaries["wrong password"]]:
		out.Code = "10003"
	}
	e.c.note(out)
	return out, nil
}

// fanout logs to all its handlers.
type fanout []slog.Handler

func (f fanout) Enabled(context.Context, slog.Level) bool { return true }

func (f fanout) Handle(ctx context.Context, r slog.Record) error {
	var errs []error
	for _, h := range f {
		errs = append(errs, h.Handle(ctx, r.Clone()))
	}
	return errors.Join(errs...)
}

func (f fanout) WithAttrs([]slog.Attr) slog.Handler { return f }
func (f fanout) WithGroup(string) slog.Handler      { return f }
