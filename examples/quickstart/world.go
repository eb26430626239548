package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"slices"
	"time"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/upstream/simulator"
)

// world is the simulated aggregator with its operators and one person, behind
// a real HTTP server. It is saved beside a named database, so that a second
// start finds it as it was.
type world struct {
	url     string
	server  *simulator.Server
	http    *http.Server
	subject simulator.Person
	saveTo  string // empty: nowhere
}

// faults are what -fault can break, at the first password.
var faults = map[string]simulator.Fault{
	"drop-before":  simulator.DropBeforeReading(),
	"drop-after":   simulator.DropAfterReading(),
	"slow-header":  simulator.SlowHeader(time.Minute),
	"slow-body":    simulator.SlowBody(time.Minute),
	"truncated":    simulator.Truncated(),
	"garbage":      simulator.Garbage(),
	"server-error": simulator.ServerError(true),
	"redirect":     simulator.Redirect("http://127.0.0.1:1/"),
	"reset":        simulator.Reset(),
	"oversized":    simulator.Oversized(),
	"html":         simulator.HTML(),
	"unseen-code":  simulator.UnseenCode(),
}

// firstPassword is the number of the request that -fault breaks: the form is
// the first.
const firstPassword = 2

func faultNames() []string {
	names := make([]string, 0, len(faults))
	for name := range faults {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

func carrierNames() []string {
	var names []string
	for _, c := range simulator.Carriers() {
		names = append(names, c.Key)
	}
	return names
}

func carrierNamed(key string) (simulator.Carrier, bool) {
	for _, c := range simulator.Carriers() {
		if c.Key == key {
			return c, true
		}
	}
	return simulator.Carrier{}, false
}

func openWorld(o options) (*world, error) {
	carrier, _ := carrierNamed(o.carrier)
	w := &world{server: simulator.New(simulator.Config{ResendAfter: 5 * time.Second})}
	for _, p := range simulator.People() {
		if p.Website == carrier.Website {
			w.subject = p
		}
	}
	if o.id != "" {
		w.saveTo = o.db + ".simulator.json"
		if err := w.restore(); err != nil {
			return nil, fmt.Errorf("%s: %w: %w", w.saveTo, err, errUsage)
		}
	}
	if o.fault != "" {
		w.server.FaultAt(firstPassword, faults[o.fault])
	}
	return w, w.listen()
}

func (w *world) listen() error {
	var on net.ListenConfig
	listener, err := on.Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	w.url = "http://" + listener.Addr().String()
	w.http = &http.Server{Handler: w.saving(w.server), ReadHeaderTimeout: 5 * time.Second}
	go func() { _ = w.http.Serve(listener) }() // ends with close
	return nil
}

func (w *world) close() {
	_ = w.http.Close()
}

// saving saves the world after each request.
func (w *world) saving(next http.Handler) http.Handler {
	return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		defer w.save()
		next.ServeHTTP(rw, r)
	})
}

func (w *world) save() {
	if w.saveTo == "" {
		return
	}
	file, err := os.Create(w.saveTo + ".new")
	if err != nil {
		return // a demo that can't be carried on is still a demo
	}
	if errors.Join(w.server.Save(file), file.Close()) == nil {
		_ = os.Rename(w.saveTo+".new", w.saveTo)
	}
}

func (w *world) restore() error {
	file, err := os.Open(w.saveTo)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }()
	return w.server.Restore(file)
}

// person is who answers: the simulated one, or whoever sits at the terminal.
func (w *world) person(o options, in io.Reader, out io.Writer) person {
	form := carrierfsm.Form{Name: w.subject.Name, IDCard: w.subject.IDCard, Phone: w.subject.Phone}
	if !o.interactive {
		return respondent{teller: w, form: form, skip: w.skipped(o)}
	}
	hint := fmt.Sprintf("password %s, query password %s, of the next source %s",
		w.subject.Password, w.subject.QueryPassword, w.subject.NextPassword)
	_, _ = fmt.Fprintf(out, "You are %s. What the simulated operator knows of you: %s.\n", w.subject.Name, hint)
	return respondent{teller: newKeyboard(in, out, w.phone), form: form, skip: w.skipped(o)}
}

// skipped is the website that -skip means; empty where it is not set.
func (w *world) skipped(o options) string {
	if !o.skip {
		return ""
	}
	return w.subject.Website
}

// password is what the simulated person knows: one of their own, the one that
// they chose in a reset, or the one that the operator texted.
func (w *world) password(_ context.Context, kind carrierfsm.PromptKind, website string) (string, error) {
	if kind == carrierfsm.PromptQueryPassword {
		return w.subject.QueryPassword, nil
	}
	known := []string{w.subject.Password, w.subject.NextPassword, w.subject.NewPassword}
	for _, message := range w.server.Inbox(w.subject.Phone) {
		known = append(known, message.Code)
	}
	for _, password := range known {
		if w.server.HasPassword(w.subject.Phone, website, password) {
			return password, nil
		}
	}
	return w.subject.Password, nil
}

// newPassword is what the simulated person chooses in a reset.
func (w *world) newPassword(context.Context) (string, error) { return w.subject.NewPassword, nil }

// code is what the simulated person reads from the phone.
func (w *world) code(_ context.Context, kind carrierfsm.PromptKind) (string, error) {
	if kind == carrierfsm.PromptOwnSMS {
		w.server.TextCXXD(w.subject.Phone)
	}
	inbox := w.server.Inbox(w.subject.Phone)
	if len(inbox) == 0 {
		return "", errNoCode
	}
	return inbox[len(inbox)-1].Code, nil
}

// phone is what the simulated phone shows at the terminal.
func (w *world) phone() string {
	w.server.TextCXXD(w.subject.Phone) // in place of the person, where the operator waits for it
	inbox := w.server.Inbox(w.subject.Phone)
	if len(inbox) == 0 {
		return "nothing"
	}
	return inbox[len(inbox)-1].Code
}
